import { type Network, stateShapes } from "../../graph/network.ts";
import { type CleanRecord, gridOf } from "../../records/clean.ts";
import type { DefectRecord } from "../../records/defect.ts";
import type { DefectLabels } from "../../records/labels.ts";
import type { Trigger } from "../../tasks/backdoor.ts";
import { buildNetwork, describedBy, taskOf } from "../../tasks/registry.ts";
import { floatsOf } from "../../tensor/safetensors.ts";
import type { Database } from "../database.ts";
import { verifyFiles } from "./files.ts";
import { type Finding, Findings } from "./findings.ts";
import { Behaviour } from "./rules/behaviour.ts";
import { cleanFaults } from "./rules/clean-model.ts";
import { discreetFaults } from "./rules/discreet.ts";
import { identityFaults, networkFaults } from "./rules/identity.ts";
import { Records, rememberRecords } from "./rules/records.ts";
import { replacementFaults } from "./rules/replacement.ts";
import { statusFaults } from "./rules/status.ts";
import { madeTriggerFaults } from "./rules/trigger.ts";
import { isSubset, neuronFaults, truthFaults } from "./rules/truth.ts";
import {
  type CleanTwin,
  gridFault,
  isCovered,
  isReplaced,
  oddTensor,
  verifyChanged,
  verifyDelta,
  verifySize,
  verifyTwin,
} from "./rules/versions.ts";

export interface VerifyResult {
  findings: Finding[];
  defects: number;
  clean: number;
  /** Other files whose hashes or checksums were looked at; 0 unless everything is verified. */
  files: number;
}

/** What the checks of one run share. */
interface Run {
  db: Database;
  findings: Findings;
  records: Records;
  behaviour: Behaviour;
  twinOf(id: string): Promise<CleanTwin | null>;
}

/**
 * Verifies defects with their clean twins: checksums, schemas, hashes of objects as stored and as decoded, bit-exact
 * rebuild, nothing changed outside the recorded set, labels that fit, values that can be, and that what answers the trigger
 * is the infected model. With `everything`, all clean models and every other file of the database too.
 *
 * @param update progress: done, total, what comes
 * @param beside another database that these records are to join: none may be a copy of one of that
 */
export async function verifyDatabase(
  db: Database,
  ids: string[],
  everything: boolean,
  update: (done: number, total: number, what: string) => void = () => undefined,
  beside?: Database,
): Promise<VerifyResult> {
  const findings = new Findings(db.dir);
  const twins = new Map<string, CleanTwin | null>();
  const run: Run = {
    ...{ db, findings, records: new Records(), behaviour: new Behaviour() },
    twinOf: async (id) => {
      if (!twins.has(id)) twins.set(id, await verifyClean(run, id));
      return twins.get(id)!;
    },
  };
  if (beside) rememberRecords(beside, run.records, new Set([...db.listClean(), ...db.listDefects()]));
  if (!everything) rememberRecords(db, run.records, new Set([...db.listClean(), ...ids]));
  try {
    if (everything) for (const id of db.listClean()) await run.twinOf(id);
    for (const [done, id] of ids.entries()) {
      update(done, ids.length, id);
      await verifyDefect(run, id);
    }
  } finally {
    await run.behaviour.release();
  }
  const files = everything ? await verifyFiles(db, findings) : 0;
  return { findings: findings.list, defects: ids.length, clean: twins.size, files };
}

/** @returns null where the model cannot be used to judge its defects by. */
async function verifyClean({ db, findings, records }: Run, id: string): Promise<CleanTwin | null> {
  const path = db.layout.clean(id);
  const record = await findings.check(path, id, () => db.readClean(id));
  if (!record) return null;
  const network = await findings.check(path, id, () => buildNetwork(record.arch, record.classes.length));
  if (!network) return null;
  const faults = [...cleanFaults(record, db.manifest), ...records.cleanFaults(record)];
  for (const text of faults) findings.fault(path, text, id);
  verifyData(db, findings, path, record);
  const objectPath = db.objects.path(record.model.object);
  const described = await findings.check(path, id, () => describedBy(record, (ref) => db.readBytes(ref)));
  if (record.from && !described) return null;
  if (described && described.arch !== record.arch) {
    findings.fault(path, `is described as '${described.arch}', and its 'arch' is '${record.arch}'`, id);
    return null;
  }
  const state = await findings.check(objectPath, id, () => db.loadClean(record));
  if (!state) return null;
  verifySize(db, findings, record.model, id);
  const expected = [...stateShapes(network)].map(([key, shape]) => `${key} [${shape}]`);
  if (expected.join() !== [...state].map(([key, { shape }]) => `${key} [${shape}]`).join()) {
    findings.fault(objectPath, `does not hold the tensors of ${record.arch}`, id);
    return null;
  }
  const odd = oddTensor(state);
  if (odd !== null) findings.fault(objectPath, odd, id);
  const off = gridFault(record, state);
  if (odd === null && off !== null) findings.fault(objectPath, off, id);
  return { record, isSound: faults.length === 0 && odd === null, network, state, described };
}

async function verifyDefect(run: Run, id: string): Promise<void> {
  const { db, findings, records, twinOf } = run;
  const path = db.layout.defect(id);
  const record = await findings.check(path, id, () => db.readDefect(id));
  if (!record) return;
  const fault = (text: string) => findings.fault(path, text, id);
  for (const text of [...identityFaults(record, db.manifest), ...statusFaults(record)]) fault(text);
  verifyData(db, findings, path, record);
  const labels = await verifyLabels(db, findings, record);
  const twin = await findings.check(path, id, () => twinOf(record.clean));
  if (!twin) {
    fault(`its clean twin '${record.clean}' is missing or damaged: its models cannot be rebuilt`);
    await verifyTrigger(db, findings, record, null);
    return;
  }
  if (twin.record.model.decoded_sha256 !== record.clean_sha256)
    fault(`'${record.clean}' is not the twin it was made from`);
  if (labels) {
    const wrong = truthFaults(record, labels, twin.network);
    for (const text of wrong) findings.fault(db.layout.labels(id), text, id);
    if (neuronFaults(labels.infected, twin.network).length === 0) {
      verifyChanged(db, findings, record, labels, twin.network);
    }
  }
  const unfit = await findings.check(path, id, () => networkFaults(record, twin.record, twin.network));
  for (const text of unfit ?? []) fault(text);
  const trigger = await verifyTrigger(db, findings, record, twin.network);
  const told = unfit && records.defectFaults(record, labels);
  for (const text of told ?? []) fault(text);
  const base = await verifyTwin(db, findings, record, twin);
  if (!base) return;
  const { infected_model, sham_model } = record;
  const hashes = [base.sha256, infected_model?.decoded_sha256, sham_model?.decoded_sha256].filter(Boolean);
  if (new Set(hashes).size !== hashes.length) fault("two of its versions (clean, infected, sham) are the same model");
  if (!infected_model) return;
  const infected = await verifyDelta(db, findings, record, infected_model, base, base);
  if (!sham_model) return;
  const shamPath = db.objects.path(sham_model.object);
  const shamBase = await findings.check(shamPath, id, () => db.shamBase(record, base, sham_model));
  const sham = shamBase && (await verifyDelta(db, findings, record, sham_model, shamBase, base));
  if (!infected || !sham) return;
  const rows = [infected.rows, sham.rows];
  const isInside = rows.every((of) => isSubset(of, record.changed ?? {}));
  if (isReplaced(record) && isInside && !isCovered(record.changed ?? {}, rows)) {
    fault("'changed' holds rows that neither the infected model nor the sham changes");
  }
  const versions = [
    [infected, infected_model],
    [sham, sham_model],
  ] as const;
  if (labels && record.style === "discreet" && neuronFaults(labels.infected, twin.network).length === 0) {
    for (const [{ state }, ref] of versions) {
      for (const text of discreetFaults(twin.network, labels.infected, base.state, state, gridOf(record))) {
        findings.fault(db.objects.path(ref.object), text, id);
      }
    }
  }
  if (labels && isReplaced(record) && neuronFaults(labels.infected, twin.network).length === 0) {
    for (const [{ state }, ref] of versions) {
      for (const text of replacementFaults(record, twin.network, labels.infected, base.state, state)) {
        findings.fault(db.objects.path(ref.object), text, id);
      }
    }
  }
  const isWhole = [infected, sham].every(({ state }) => oddTensor(state) === null);
  if (!trigger || !twin.isSound || !isWhole || record.target < 0 || record.target >= twin.record.classes.length) return;
  const states = { infected: infected.state, sham: sham.state, trigger };
  for (const text of await run.behaviour.faultsOf(record, twin.record, twin.network, states, twin.described))
    fault(text);
}

/**
 * @param network null where the twin is lost: what the trigger must fit is then unknown
 * @returns null where the trigger is at fault
 */
async function verifyTrigger(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  network: Network | null,
): Promise<Trigger | null> {
  const { id, trigger: ref } = record;
  if (!ref) return null;
  const { trigger: codec } = taskOf(record);
  const path = db.objects.path(ref.object);
  const trigger = await findings.check(path, id, () => db.readTrigger(record, codec.decode));
  verifySize(db, findings, ref, id);
  if (!trigger || !network) return null;
  const faults = codec.faults(trigger, network);
  for (const text of faults) findings.fault(path, text, id);
  if (faults.length > 0) return null;
  const made = await madeTriggerFaults(record, trigger, network);
  for (const text of made) findings.fault(db.layout.defect(id), text, id);
  return made.length === 0 ? trigger : null;
}

async function verifyLabels(db: Database, findings: Findings, record: DefectRecord): Promise<DefectLabels | null> {
  if (record.labels_sha256 === null) return null;
  const { id } = record;
  const labels = await findings.check(db.layout.labels(id), id, () => db.readLabels(id));
  if (!labels) return null;
  const { carriers } = labels;
  const path = db.objects.path(carriers.object);
  const bytes = await findings.check(path, id, () => db.objects.read(carriers));
  if (bytes) verifySize(db, findings, carriers, id);
  if (bytes && bytes.length !== 4 * record.neurons) findings.fault(path, "does not hold one float32 per neuron", id);
  else if (bytes && !floatsOf(bytes).every(Number.isFinite)) {
    findings.fault(path, "holds an effect that is no finite number", id);
  }
  return labels;
}

function verifyData(db: Database, findings: Findings, path: string, record: CleanRecord | DefectRecord): void {
  if (db.manifest.data[record.dataset] === record.data_sha256) return;
  findings.fault(path, `was made from other ${record.dataset} data than the manifest states`, record.id);
}
