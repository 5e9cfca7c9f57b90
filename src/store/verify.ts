import { defectId, groupId, parseDefectId } from "../core/ids.ts";
import { countNeurons, type NeuronSet } from "../core/neurons.ts";
import { type Network, neuronLayers, stateShapes } from "../graph/network.ts";
import { batchNormRows, changedSet } from "../measure/changed-set.ts";
import { functionDistance } from "../measure/rewrite.ts";
import { buildNetwork } from "../models/registry.ts";
import { type ChangedRows, changedRows } from "../tensor/delta.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Database } from "./database.ts";
import { type Finding, Findings } from "./findings.ts";
import { type DeltaBase, readDelta } from "./models.ts";
import type { CleanRecord, DefectLabels, DefectRecord, ObjectRef } from "./schema.ts";
import { verifyFiles } from "./verify-files.ts";

export interface VerifyResult {
  findings: Finding[];
  defects: number;
  clean: number;
  /** Other files whose hashes or checksums were looked at; 0 unless everything is verified. */
  files: number;
}

interface CleanTwin {
  record: CleanRecord;
  network: Network;
  state: StateDict;
}

/** Most that a twin's gains and shifts may differ from the clean model's, relatively: float32's rounding and room. */
const TWIN_TOLERANCE = 1e-5;

/**
 * Verifies defects with their clean twins: checksums, schemas, hashes of objects as stored and as decoded, bit-exact
 * rebuild, nothing changed outside the recorded set, labels that fit. With `everything`, all clean models and every
 * other file of the database too.
 *
 * @param update progress: done, total, what comes
 */
export async function verifyDatabase(
  db: Database,
  ids: string[],
  everything: boolean,
  update: (done: number, total: number, what: string) => void = () => undefined,
): Promise<VerifyResult> {
  const findings = new Findings(db.dir);
  const twins = new Map<string, CleanTwin | null>();
  const twinOf = async (id: string) => {
    if (!twins.has(id)) twins.set(id, await verifyClean(db, findings, id));
    return twins.get(id)!;
  };
  if (everything) for (const id of db.listClean()) await twinOf(id);
  for (const [done, id] of ids.entries()) {
    update(done, ids.length, id);
    await verifyDefect(db, findings, id, twinOf);
  }
  const files = everything ? await verifyFiles(db, findings) : 0;
  return { findings: findings.list, defects: ids.length, clean: twins.size, files };
}

/** @returns null where the model cannot be used to judge its defects by. */
async function verifyClean(db: Database, findings: Findings, id: string): Promise<CleanTwin | null> {
  const path = db.layout.clean(id);
  const record = await findings.check(path, id, () => db.readClean(id));
  if (!record) return null;
  const network = await findings.check(path, id, () => buildNetwork(record.arch, record.classes.length));
  if (!network) return null;
  if (id !== `clean/${record.dataset}-${record.arch}-${id.split("-").at(-1)}`) {
    findings.fault(path, `its id does not fit its data set '${record.dataset}' and architecture '${record.arch}'`, id);
  }
  verifyData(db, findings, path, record);
  const objectPath = db.objects.path(record.model.object);
  const state = await findings.check(objectPath, id, () => db.loadClean(record));
  if (!state) return null;
  verifySize(db, findings, record.model, id);
  const expected = [...stateShapes(network)].map(([key, shape]) => `${key} [${shape}]`);
  if (expected.join() === [...state].map(([key, { shape }]) => `${key} [${shape}]`).join()) {
    return { record, network, state };
  }
  findings.fault(objectPath, `does not hold the tensors of ${record.arch}`, id);
  return null;
}

async function verifyDefect(
  db: Database,
  findings: Findings,
  id: string,
  twinOf: (id: string) => Promise<CleanTwin | null>,
): Promise<void> {
  const path = db.layout.defect(id);
  const record = await findings.check(path, id, () => db.readDefect(id));
  if (!record) return;
  const fault = (text: string) => findings.fault(path, text, id);
  const key = parseDefectId(id);
  if (defectId(record) !== id || record.group_id !== groupId(key)) fault("its fields do not fit its id");
  verifyData(db, findings, path, record);
  if (record.status === "accepted" || record.status === "deprecated") {
    const { infected_model, sham_model, trigger, changed, labels_sha256 } = record;
    for (const [name, value] of Object.entries({ infected_model, sham_model, trigger, changed, labels_sha256 })) {
      if (value === null) fault(`${record.status}, but without '${name}'`);
    }
  }
  const labels = await verifyLabels(db, findings, record);
  if (record.trigger) {
    const ref = record.trigger;
    await findings.check(db.objects.path(ref.object), id, () => db.readTrigger(record));
    verifySize(db, findings, ref, id);
  }

  const twin = await findings.check(path, id, () => twinOf(record.clean));
  if (!twin) {
    fault(`its clean twin '${record.clean}' is missing or damaged: its models cannot be rebuilt`);
    return;
  }
  if (twin.record.model.decoded_sha256 !== record.clean_sha256)
    fault(`'${record.clean}' is not the twin it was made from`);
  if (labels) verifyTruth(db, findings, record, labels, twin.network);
  const base = await verifyTwin(db, findings, record, twin);
  if (!base) return;
  const { infected_model, sham_model } = record;
  if (infected_model) await verifyDelta(db, findings, record, infected_model, base, base);
  if (!sham_model) return;
  const shamPath = db.objects.path(sham_model.object);
  const shamBase = await findings.check(shamPath, id, () => db.shamBase(record, base, sham_model));
  if (shamBase) await verifyDelta(db, findings, record, sham_model, shamBase, base);
}

/**
 * The twin that a defect's deltas are against: the clean model, or for style `discreet` an object of its own, which must
 * be the clean model with other batch-norm statistics and nothing else.
 * @returns null where it cannot be used
 */
async function verifyTwin(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  clean: CleanTwin,
): Promise<DeltaBase | null> {
  const { id, twin_model: ref, style, infected_model } = record;
  const base = { state: clean.state, sha256: clean.record.model.decoded_sha256 };
  if ((ref !== null) !== (style === "discreet" && infected_model !== null)) {
    const text = ref ? "has a 'twin_model', which only a discreet defect has" : "discreet, but without 'twin_model'";
    findings.fault(db.layout.defect(id), text, id);
  }
  if (!ref) return base;
  const path = db.objects.path(ref.object);
  const state = await findings.check(path, id, () => readDelta(db.objects, base, ref));
  if (!state) return null;
  verifySize(db, findings, ref, id);
  if (!isSubset(changedRows(clean.state, state), batchNormRows(clean.network))) {
    findings.fault(path, "the twin differs from the clean model outside the batch norms", id);
  } else if (!(functionDistance(clean.network, clean.state, state) <= TWIN_TOLERANCE)) {
    findings.fault(path, "the twin does not compute what the clean model does", id);
  }
  return { state, sha256: ref.decoded_sha256 };
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
  return labels;
}

/** Labels against the record and the network: G exists, E ⊆ G, one number per infected neuron, changes are G's own. */
function verifyTruth(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  labels: DefectLabels,
  network: Network,
): void {
  const path = db.layout.labels(record.id);
  const fault = (text: string) => findings.fault(path, text, record.id);
  const total = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
  if (total !== record.neurons) fault(`the record counts ${record.neurons} neurons; ${record.arch} has ${total}`);
  const { infected, effective } = labels;
  if (countNeurons(infected) !== record.infected) fault("holds another number of infected neurons than the record");
  if ((effective ? countNeurons(effective) : null) !== record.effective && countNeurons(effective ?? {}) > 0) {
    fault("holds another number of effective neurons than the record");
  }
  if (effective && !isSubset(effective, infected)) fault("names an effective neuron that is not infected");
  for (const [name, values] of Object.entries({ contribution: labels.contribution, effect: labels.effect })) {
    if (!isAligned(values, infected)) fault(`'${name}' is not aligned with 'infected'`);
  }
  let allowed: ChangedRows;
  try {
    allowed = changedSet(network, infected, record.style);
  } catch (error) {
    fault((error as Error).message);
    return;
  }
  // Sub-network replacement also cuts the connections into its neurons; its changed set is its own (METHODS §4.4).
  if (record.attack !== "sra" && record.changed && !isSubset(record.changed, allowed)) {
    const more = record.style === "discreet" ? " and the batch norms" : "";
    findings.fault(
      db.layout.defect(record.id),
      `'changed' goes beyond the infected neurons' own parameters${more}`,
      record.id,
    );
  }
}

/** Rebuilds a model bit for bit and holds every byte outside the recorded set against the clean twin. */
async function verifyDelta(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  ref: ObjectRef,
  base: DeltaBase,
  twin: DeltaBase,
): Promise<void> {
  const path = db.objects.path(ref.object);
  const state = await findings.check(path, record.id, () => readDelta(db.objects, base, ref));
  if (!state) return;
  verifySize(db, findings, ref, record.id);
  if (!isSubset(changedRows(twin.state, state), record.changed ?? {})) {
    findings.fault(path, "differs from the clean twin outside the recorded changed set", record.id);
  }
}

function verifyData(db: Database, findings: Findings, path: string, record: CleanRecord | DefectRecord): void {
  if (db.manifest.data[record.dataset] === record.data_sha256) return;
  findings.fault(path, `was made from other ${record.dataset} data than the manifest states`, record.id);
}

function verifySize(db: Database, findings: Findings, ref: ObjectRef, id: string): void {
  const bytes = db.objects.sizeOf(ref.object);
  if (bytes !== ref.bytes) findings.fault(db.objects.path(ref.object), `has ${bytes} bytes, not ${ref.bytes}`, id);
}

function isSubset(part: NeuronSet, whole: NeuronSet): boolean {
  return Object.entries(part).every(([layer, channels]) => {
    const known = new Set(Object.hasOwn(whole, layer) ? whole[layer] : []);
    return channels.every((channel) => known.has(channel));
  });
}

function isAligned(values: Record<string, number[]>, set: NeuronSet): boolean {
  const layers = Object.keys(set);
  return (
    Object.keys(values).length === layers.length && layers.every((layer) => values[layer]?.length === set[layer].length)
  );
}
