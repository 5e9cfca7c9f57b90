import { flatScores, indexNeurons, membership } from "../core/neuron-index.ts";
import { listNeurons } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import type { Criterion, Localization, Suspect } from "../localize/types.ts";
import type { PredictionFile, Results } from "../store/results.ts";
import type { JudgedItem } from "./select.ts";
import { type Model, type Progress, storedHash, type Workbench } from "./workbench.ts";

/**
 * Runs criteria over versions of defects and stores the predictions. Cells that are finished (same model, criterion
 * and seed) are read back, so an interrupted run resumes.
 *
 * @returns the predictions, items in order, criteria in order inside each.
 */
export async function localizeAll(
  bench: Workbench,
  results: Results,
  items: readonly JudgedItem[],
  criteria: readonly Criterion[],
  progress: Progress = () => undefined,
): Promise<PredictionFile[]> {
  const predictions: PredictionFile[] = [];
  for (const item of items) {
    const { id, version } = item;
    const record = bench.source.readDefect(id);
    let opened: Promise<Model> | undefined;
    const model = () => {
      opened ??= bench.model(record, version);
      return opened;
    };
    for (const criterion of criteria) {
      progress(predictions.length, items.length * criteria.length, `${id}:${version} ${criterion.name}`);
      const done = results.prediction(criterion.name, id, version);
      if (done?.seed === bench.seed) {
        const sha256 = storedHash(record, version) ?? (await model()).sha256;
        if (done.model_sha256 === sha256) {
          predictions.push(done);
          continue;
        }
      }
      const dataset = criterion.needsData ? await bench.dataset(record) : null;
      const prediction: PredictionFile = {
        kind: "prediction",
        id,
        version,
        criterion: criterion.name,
        access: criterion.access,
        ...(await judge(criterion, await bench.suspect(await model(), dataset))),
        seed: bench.seed,
        model_sha256: (await model()).sha256,
      };
      results.savePrediction(prediction);
      predictions.push(prediction);
    }
  }
  return predictions;
}

/** Runs one criterion and checks that what it returns fits the network. */
async function judge(
  criterion: Criterion,
  suspect: Suspect,
): Promise<Pick<PredictionFile, "seconds" | "raw" | "scores" | "native" | "note">> {
  const began = performance.now();
  const { raw, scores, native, note }: Localization = await criterion.localize(suspect);
  const seconds = (performance.now() - began) / 1000;
  const index = indexNeurons(neuronLayers(suspect.network));
  try {
    flatScores(index, raw);
    flatScores(index, scores);
    membership(index, native);
  } catch (cause) {
    throw new Error(`criterion '${criterion.name}': ${(cause as Error).message}`, { cause });
  }
  return { seconds, raw, scores, native: listNeurons(native), note: note ?? null };
}
