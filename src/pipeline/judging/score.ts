import { InputError } from "../../core/errors.ts";
import { type ExtendedScoreRow, scorePredictionExtended } from "../../score/extended.ts";
import { type ScoreRow, scorePrediction } from "../../score/score.ts";
import { predictionName, type Results } from "../../store/results.ts";
import type { JudgedItem } from "./select.ts";
import { type DefectSource, layersOf, storedHash } from "./workbench.ts";

type Source = Pick<DefectSource, "readDefect" | "readClean" | "readLabels"> & {
  /** As `Database.sound`; absent: what is damaged ends the work. */
  sound?<T>(read: () => T): T | null;
};

/**
 * Joins the stored predictions of the given items with their labels. Cells without a prediction give no row.
 *
 * @throws InputError on a prediction of other weights than the database holds.
 */
export async function scoreAll(
  source: Source,
  results: Results,
  items: readonly JudgedItem[],
  criteria: readonly string[],
): Promise<ScoreRow[]> {
  return scoreEach(source, results, items, criteria, scorePrediction);
}

/** As `scoreAll`, with the metrics beyond the published fields. */
export async function scoreAllExtended(
  source: Source,
  results: Results,
  items: readonly JudgedItem[],
  criteria: readonly string[],
): Promise<ExtendedScoreRow[]> {
  return scoreEach(source, results, items, criteria, scorePredictionExtended);
}

function scoreEach<R>(
  source: Source,
  results: Results,
  items: readonly JudgedItem[],
  criteria: readonly string[],
  score: (...args: Parameters<typeof scorePrediction>) => R[],
): R[] {
  const rows: R[] = [];
  const sound = <T>(read: () => T) => (source.sound ? source.sound(read) : read());
  for (const { id, version } of items) {
    const truth = sound(() => {
      const record = source.readDefect(id);
      return { record, labels: source.readLabels(id), layers: layersOf(source, record) };
    });
    if (!truth) continue;
    const { record, labels, layers } = truth;
    for (const criterion of criteria) {
      const prediction = sound(() => results.prediction(criterion, id, version));
      if (!prediction) continue;
      if (prediction.model_sha256 !== (storedHash(record, version) ?? prediction.model_sha256)) {
        throw new InputError(
          `results/${predictionName(criterion, id, version, results.budget)}.json: is of another model than the database holds; run 'bdefects localize ${id}:${version} --criterion ${criterion}' again`,
        );
      }
      rows.push(...score(layers, prediction, labels));
    }
  }
  return rows;
}
