import { InputError } from "../../core/errors.ts";
import type { Version } from "../../core/ids.ts";
import { indexNeurons } from "../../core/neuron-index.ts";
import {
  countNeurons,
  type LayerScores,
  type LayerWidth,
  listNeurons,
  type NeuronSet,
  parseNeurons,
} from "../../core/neurons.ts";
import { stopwatch } from "../../core/stopwatch.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { Suspect } from "../../localize/types.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { storedHash } from "../../records/defect.ts";
import { type RepairFile, repairedVersion, versionStamp } from "../../records/repair.ts";
import { revisionStamp } from "../../records/result.ts";
import { randomNeurons } from "../../repair/random-neurons.ts";
import type { RankedRepair, Repair } from "../../repair/types.ts";
import { controlledSet } from "../../score/topk.ts";
import type { Results } from "../../store/results/results.ts";
import type { StateDict } from "../../tensor/state.ts";
import { deviceStamp } from "../device/device.ts";
import { applicable } from "./applicable.ts";
import { type OnOutcome, runCell } from "./cells.ts";
import { itemName, type RepairedItem } from "./repaired-item.ts";
import { type Measured, openSubject } from "./subject.ts";
import { formatUsing, type Using } from "./using.ts";
import { type DefectSource, layersOf, type Progress, type Workbench } from "./workbench.ts";

/** A repair's figures as a flat row (docs/query.md, "Tables"). */
export function repairRow(repair: RepairFile) {
  const { id, method, using, budget, ca_before, ca_after, asr_before, asr_after, seconds } = repair;
  const version = repairedVersion(repair);
  // Null: the repair changes whatever it is given.
  const cut = repair.cut?.length ?? null;
  const asrd = asr_before === null || asr_after === null ? null : asr_before - asr_after;
  const cad = ca_before - ca_after;
  const note = repair.note ?? null;
  const rates = { ca_before, ca_after, asr_before, asr_after, asrd, cad };
  return { id, method, using, budget, ...rates, seconds, cut, version, note };
}

/**
 * Repairs versions of defects and measures them on the test set with the stored trigger. Finished cells
 * (same model, neurons and seed) are read back. Methods that need what a network lacks are left out.
 *
 * @param onOutcome told what becomes of every cell; without it a repair that fails ends the run
 * @returns the repairs, items in order, methods inside each, selections inside each.
 * @throws InputError where a defect has no such version
 */
export async function repairAll(
  bench: Workbench,
  results: Results,
  items: readonly RepairedItem[],
  methods: readonly Repair[],
  usings: readonly Using[],
  progress: Progress = () => undefined,
  onOutcome?: OnOutcome,
): Promise<RepairFile[]> {
  const ways = methods.flatMap((method) => usings.map((using) => ({ method, using })));
  return repairEach(bench, results, items, ways, progress, onOutcome);
}

/** One way to repair. */
export interface RepairWay {
  method: Repair;
  using: Using;
}

/** @throws InputError where some neurons to repair cannot be chosen, as for want of a prediction: before hours of work, not after */
export function assertChoosable(
  bench: Workbench,
  results: Results,
  items: readonly RepairedItem[],
  methods: readonly Repair[],
  usings: readonly Using[],
): void {
  const ways = methods.flatMap((method) => usings.map((using) => ({ method, using })));
  for (const item of items) {
    const { context, fitting } = opened(bench, item, ways);
    for (const { using } of fitting) chooseNeurons(using, results, context, bench.seed);
  }
}

/** As `repairAll`, in the ways given. */
export async function repairEach(
  bench: Workbench,
  results: Results,
  items: readonly RepairedItem[],
  ways: readonly RepairWay[],
  progress: Progress = () => undefined,
  onOutcome?: OnOutcome,
): Promise<RepairFile[]> {
  const repairs: RepairFile[] = [];
  let over = 0;
  for (const item of items) {
    const { id, version } = item;
    const { subject, context, fitting } = opened(bench, item, ways);
    const { modelSha256 } = context;
    let unrepaired: Promise<Measured> | undefined;
    over += ways.length - fitting.length;
    for (const { method, using } of fitting) {
      const name = formatUsing(using);
      const what = repairCell(item, method, using);
      progress(over++, items.length * ways.length, what);
      const choose = () => chooseNeurons(using, results, context, bench.seed);
      const done = finishedRepair(results, context, method, using, bench.seed, choose);
      if (done) {
        onOutcome?.({ what, id, status: "kept", seconds: 0 });
        repairs.push(done);
        continue;
      }
      // Whoever fails later, without data nobody can be judged.
      await subject.dataset();
      const found = await runCell({ what, id }, onOutcome, async () => {
        const { neurons, scores } = choose();
        const model = await subject.model();
        unrepaired ??= subject.measure(model.state);
        const before = await unrepaired;
        const suspect = await bench.suspect(model, await subject.dataset());
        const watch = stopwatch();
        const { state, cut } = await repaired(method, using, suspect, neurons, scores);
        const seconds = watch();
        const over = performance.now();
        // Without neurons nothing was repaired: most criteria name none in some model. A program may do more than it was told.
        const isIdle = countNeurons(cut?.neurons ?? neurons) === 0 && !method.fingerprint;
        const after = isIdle ? before : await subject.measure(state);
        const repair: RepairFile = {
          kind: "repair",
          id,
          ...versionStamp(version),
          method: method.name,
          using: name,
          seed: bench.seed,
          budget: results.budget,
          ...deviceStamp(),
          ...revisionStamp(method),
          model_sha256: modelSha256,
          ...(method.fingerprint && { fingerprint: method.fingerprint }),
          neurons: listNeurons(neurons),
          ...(cut && { cut: listNeurons(cut.neurons), note: cut.note }),
          ca_before: before.ca,
          ca_after: after.ca,
          asr_before: before.asr,
          asr_after: after.asr,
          seconds,
          measure_seconds: (performance.now() - over) / 1000,
        };
        return { repair, state };
      });
      if (found) repairs.push(results.saveRepair(found.repair, found.state));
    }
  }
  return repairs;
}

/** A model to repair, what choosing neurons in it needs, and the ways that it allows. */
function opened(bench: Workbench, item: RepairedItem, ways: readonly RepairWay[]) {
  const { id, version } = item;
  const subject = openSubject(bench, item);
  const modelSha256 = subject.storedHash;
  if (modelSha256 === null) throw new InputError(`'${id}' has no ${version} version`);
  // Foreign models have no other version than this.
  const drawnBy = version === "infected" ? modelSha256 : storedHash(bench.source.readDefect(id), "infected")!;
  const context = { ...item, infected: subject.infected(), layers: subject.layers(), modelSha256, drawnBy };
  const fitting = ways.filter(({ method }) => applicable([method], subject.network(), subject.task).length > 0);
  return { subject, context, fitting };
}

/** @returns the repaired weights; where the method went by the ranking, also what it cut */
async function repaired(
  method: Repair,
  using: Using,
  suspect: Suspect,
  neurons: NeuronSet,
  scores: LayerScores | undefined,
): Promise<{ state: StateDict; cut?: RankedRepair }> {
  if (using.kind === "none" && method.repairUnaided) return { state: await method.repairUnaided(suspect) };
  if (!method.repairByRanking) return { state: await method.repair(suspect, neurons, scores) };
  const cut = await method.repairByRanking(suspect, neurons, scores);
  return { state: cut.state, cut };
}

/** What is repaired and how, as people are told. */
export function repairCell(item: RepairedItem, { name }: Pick<Repair, "name">, using: Using): string {
  return `${itemName(item)} ${name} ${formatUsing(using)}`;
}

/** What choosing neurons in a model needs. */
export interface RepairContext extends RepairedItem {
  /** Null: nobody knows them. */
  infected: NeuronSet | null;
  layers: LayerWidth[];
  /** Of the model. */
  modelSha256: string;
  /** Of the infected version, by which neurons are drawn: in every version the same ones. */
  drawnBy: string;
}

/** What choosing neurons in a version of a defect needs; null where it has no such version. */
export function repairContext(
  source: Pick<DefectSource, "readLabels" | "readClean">,
  record: DefectRecord,
  version: Version,
): RepairContext | null {
  const modelSha256 = storedHash(record, version);
  if (modelSha256 === null) return null;
  const { infected } = source.readLabels(record.id);
  const drawnBy = storedHash(record, "infected")!;
  return { id: record.id, version, infected, layers: layersOf(source, record), modelSha256, drawnBy };
}

/** The stored repair of this model and seed that repaired the neurons which would be chosen now. */
export function finishedRepair(
  results: Results,
  { id, version, modelSha256 }: RepairContext,
  method: Pick<Repair, "name" | "revision" | "fingerprint">,
  using: Using,
  seed: number,
  choose: () => { neurons: NeuronSet },
): RepairFile | null {
  const done = results.repair(method.name, formatUsing(using), id, version);
  if (done?.seed !== seed || done.budget !== results.budget || done.model_sha256 !== modelSha256) return null;
  if (done.revision !== revisionStamp(method).revision || done.fingerprint !== method.fingerprint) return null;
  if (results.keepsWeights && !results.hasWeights(done)) return null;
  try {
    return same(done.neurons, listNeurons(choose().neurons)) ? done : null;
  } catch (error) {
    // The prediction that chose them is gone or out of date: the cell is to do again, and will say so.
    if (error instanceof InputError) return null;
    throw error;
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/**
 * The neurons to repair, and their suspiciousness where a criterion chose them: by its prediction of the same version. `oracle` and
 * `random` name in every version of a defect the same neurons, so that what a repair costs a model without a backdoor is
 * what it costs in the very neurons (docs/methods.md §11.3).
 *
 * @throws InputError where no criterion did, and where what chooses needs infected neurons that nobody knows
 */
export function chooseNeurons(
  using: Using,
  results: Results,
  { id, version, infected, layers, modelSha256, drawnBy }: RepairContext,
  seed: number,
): { neurons: NeuronSet; scores?: LayerScores } {
  if (using.kind === "none") return { neurons: {} };
  const known = () => {
    if (infected) return infected;
    throw new InputError(`--using ${formatUsing(using)}: nobody knows the infected neurons of '${id}'`);
  };
  if (using.kind === "oracle") return { neurons: known() };
  if (using.kind === "random") return { neurons: randomNeurons(layers, countNeurons(known()), drawnBy, seed) };
  const { criterion, protocol } = using;
  const prediction = results.prediction(criterion, id, version);
  // A plug-in is in no registry, and has no revisions.
  const { revision } = revisionStamp(CRITERIA.get(criterion) ?? {});
  const fits = prediction?.model_sha256 === modelSha256 && prediction.budget === results.budget;
  if (!fits || prediction.revision !== revision) {
    const name = itemName({ id, version });
    throw new InputError(
      `no prediction of '${criterion}' for '${name}': run 'bdefects localize ${name} --criterion ${criterion}' first, with the same --db and --out`,
    );
  }
  const { scores } = prediction;
  const neurons =
    protocol === "native"
      ? parseNeurons(prediction.native)
      : controlledSet(indexNeurons(layers), scores, known(), "global");
  return { neurons, scores };
}
