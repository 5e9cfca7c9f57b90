import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { flatScores, indexNeurons, membership } from "../../core/neuron-index.ts";
import { listNeurons } from "../../core/neurons.ts";
import type { Samples } from "../../core/samples.ts";
import { stopwatch } from "../../core/stopwatch.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { Criterion, Localization, Suspect } from "../../localize/types.ts";
import { isForeignName } from "../../records/foreign.ts";
import type { PredictionFile } from "../../records/prediction.ts";
import { revisionStamp } from "../../records/result.ts";
import type { Results } from "../../store/results/results.ts";
import { deviceStamp } from "../device/device.ts";
import { applicable } from "./applicable.ts";
import { type OnOutcome, runCell } from "./cells.ts";
import type { JudgedItem } from "./select.ts";
import { openSubject, type Subject } from "./subject.ts";
import type { Progress, Workbench } from "./workbench.ts";

/**
 * Runs criteria over versions of defects and stores the predictions. Cells that are finished (same model, criterion
 * and seed) are read back, so an interrupted run resumes. A criterion is left out where a network lacks what it needs.
 *
 * @param onOutcome told what becomes of every cell; without it a criterion that fails ends the run
 * @returns the predictions, items in order, criteria in order inside each; none of cells that failed.
 */
export async function localizeAll(
  bench: Workbench,
  results: Results,
  items: readonly JudgedItem[],
  criteria: readonly Criterion[],
  progress: Progress = () => undefined,
  onOutcome?: OnOutcome,
): Promise<PredictionFile[]> {
  const predictions = new Map<JudgedItem, PredictionFile[]>(items.map((item) => [item, []]));
  let over = 0;
  const total = items.reduce((sum, { id }) => sum + criteriaFor(id, criteria).length, 0);
  for (const item of turns(items, criteria, bench.seed)) {
    const { id, version } = item;
    const subject = openSubject(bench, item);
    const { model } = subject;
    const visible = criteriaFor(id, criteria);
    const fitting = applicable(visible, subject.network(), subject.task);
    over += visible.length - fitting.length;
    for (const criterion of fitting) {
      const what = predictionCell(item, criterion);
      progress(over++, total, what);
      const done = finishedPrediction(results, item, criterion, bench.seed);
      if (done && done.model_sha256 === (subject.storedHash ?? (await model()).sha256)) {
        onOutcome?.({ what, id, status: "kept", seconds: 0 });
        predictions.get(item)!.push(done);
        continue;
      }
      const dataset = criterion.needsData ? await subject.dataset() : null;
      const suspect = await bench.suspect(await model(), dataset);
      const fair = isForeignName(id) ? criterion : unseen(criterion, bench.source.readDefect(id).clean);
      const found = await runCell({ what, id }, onOutcome, () => judge(fair, suspect, subject));
      if (!found) continue;
      const { fingerprint } = criterion;
      const prediction: PredictionFile = {
        kind: "prediction",
        id,
        version,
        criterion: criterion.name,
        access: criterion.access,
        ...found,
        seed: bench.seed,
        budget: results.budget,
        ...deviceStamp(),
        ...revisionStamp(criterion),
        model_sha256: (await model()).sha256,
        ...(fingerprint && { fingerprint }),
      };
      results.savePrediction(prediction);
      predictions.get(item)!.push(prediction);
    }
  }
  return [...predictions.values()].flat();
}

/** A trained criterion by weights that never saw the clean model that a defect was made of. */
function unseen(criterion: Criterion, clean: string): Criterion {
  return criterion.access === "clean" && criterion.without ? criterion.without(clean) : criterion;
}

/** Nobody has failing tests of a foreign model. */
function criteriaFor(id: string, criteria: readonly Criterion[]): readonly Criterion[] {
  return isForeignName(id) ? criteria.filter(({ access }) => access === "clean") : criteria;
}

/** @throws InputError where a criterion needs failing tests and a foreign model is among the selected */
export function assertTestsFor(items: readonly JudgedItem[], criteria: readonly Pick<Criterion, "name" | "access">[]) {
  const foreign = items.find(({ id }) => isForeignName(id));
  const wide = criteria.find(({ access }) => access !== "clean");
  if (!foreign || !wide) return;
  throw new InputError(
    `--criterion ${wide.name}: needs failing tests, and nobody knows the trigger of '${foreign.id}'; name criteria of access clean`,
  );
}

/**
 * The order of judging. A program can count its calls, so the versions of a defect come in an order that follows from a
 * hash, and a call's number says nothing of the version.
 */
function turns(items: readonly JudgedItem[], criteria: readonly Criterion[], seed: number): readonly JudgedItem[] {
  if (criteria.every(({ kind }) => kind !== "program")) return items;
  const rank = ({ id, version }: JudgedItem) => sha256Hex(`${seed} turn ${id}:${version}`);
  const ids = [...new Set(items.map(({ id }) => id))];
  return ids.flatMap((id) => items.filter((item) => item.id === id).sort((a, b) => (rank(a) < rank(b) ? -1 : 1)));
}

export function predictionCell({ id, version }: JudgedItem, { name }: Pick<Criterion, "name">): string {
  return `${id}:${version} ${name}`;
}

/** A stored prediction by this criterion's revision, or plug-in, under this seed and the results' budget; of which model is for the caller to compare. */
export function finishedPrediction(
  results: Results,
  { id, version }: JudgedItem,
  criterion: Criterion,
  seed: number,
): PredictionFile | null {
  const found = results.prediction(criterion.name, id, version);
  if (found?.seed !== seed || found.budget !== results.budget) return null;
  if (criterion.stored) return found;
  // What was seen under another access is another criterion's finding.
  if (found.fingerprint !== criterion.fingerprint || found.access !== criterion.access) return null;
  return found.revision === revisionStamp(criterion).revision ? found : null;
}

/** Runs one criterion, shows it what its access allows, and checks that what it returns fits the network. */
async function judge(
  criterion: Criterion,
  suspect: Suspect,
  { backdoor }: Pick<Subject, "backdoor">,
): Promise<Pick<PredictionFile, "seconds" | "raw" | "scores" | "native" | "note">> {
  const failing = criterion.access === "clean" ? undefined : await backdoor?.failing(suspect);
  const watch = stopwatch();
  const { raw, scores, native, note } = await found(criterion, suspect, backdoor?.target, failing);
  const seconds = watch();
  assertFits(criterion, suspect.network, { raw, scores, native });
  return { seconds, raw, scores, native: listNeurons(native), note: note ?? null };
}

/** @throws Error where what a criterion returned does not fit the network. */
export function assertFits(
  { name }: Pick<Criterion, "name">,
  network: Network,
  { raw, scores, native }: Localization,
): void {
  const index = indexNeurons(neuronLayers(network));
  try {
    flatScores(index, raw);
    flatScores(index, scores);
    membership(index, native);
  } catch (cause) {
    throw new Error(`criterion '${name}': ${(cause as Error).message}`, { cause });
  }
}

function found(
  criterion: Criterion,
  suspect: Suspect,
  target: number | undefined,
  failing: Samples | undefined,
): Promise<Localization> {
  if (criterion.access === "clean") return criterion.localize(suspect);
  if (!failing || target === undefined) throw new Error(`criterion '${criterion.name}' was not given failing tests`);
  if (criterion.access === "failing") return criterion.localize(suspect, failing);
  return criterion.localize(suspect, failing, target);
}
