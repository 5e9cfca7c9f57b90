import { InputError } from "../../core/errors.ts";
import type { LayerWidth } from "../../core/neurons.ts";
import { storedHash } from "../../records/defect.ts";
import { isForeignName } from "../../records/foreign.ts";
import type { JudgedVersion } from "../../records/prediction.ts";
import { predictionName } from "../../records/result-name.ts";
import { type ExtendedScoreRow, scorePredictionExtended } from "../../score/extended.ts";
import { type ScoreRow, scorePrediction, type Truth } from "../../score/score.ts";
import { foreignLayers } from "../../store/foreign/layers.ts";
import { readForeign } from "../../store/foreign/records.ts";
import type { Layout } from "../../store/layout.ts";
import type { Results } from "../../store/results/results.ts";
import type { JudgedItem } from "./select.ts";
import { type DefectSource, layersOf } from "./workbench.ts";

type Source = Pick<DefectSource, "readDefect" | "readClean" | "readLabels"> & {
  /** As `Database.sound`; absent: what is damaged ends the work. */
  sound?<T>(read: () => T): T | null;
  /** Where foreign models are read; absent: none is scored. */
  layout?: Layout;
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

/** What a prediction is held against. */
interface KnownTruth {
  labels: Truth;
  layers: LayerWidth[];
  /** Null: derived. */
  modelSha256: string | null;
  /** Rows without what nobody knows. */
  known<R extends ScoreRow>(row: R): R[];
}

function defectTruth(source: Source, id: string, version: JudgedVersion): KnownTruth {
  const record = source.readDefect(id);
  const labels = source.readLabels(id);
  return {
    ...{ labels, layers: layersOf(source, record), modelSha256: storedHash(record, version) },
    known: (row) => [row],
  };
}

/** Against the full truth alone: which infected neurons are effective, nobody measured. @returns null where there is no truth */
function foreignTruth({ layout }: Source, id: string): KnownTruth | null {
  if (!layout) return null;
  const record = readForeign({ layout }, id);
  const layers = foreignLayers(record);
  const { infected, contribution } = record;
  if (!infected || !layers) return null;
  const any = Object.fromEntries(Object.entries(infected).map(([layer, indices]) => [layer, indices.map(() => 1)]));
  return {
    labels: { infected, contribution: contribution ?? any, effective: null },
    ...{ layers, modelSha256: record.model.decoded_sha256 },
    known: (row) => {
      if (row.truth !== "full") return [];
      return [contribution ? row : { ...row, wji: null }];
    },
  };
}

function scoreEach<R extends ScoreRow>(
  source: Source,
  results: Results,
  items: readonly JudgedItem[],
  criteria: readonly string[],
  score: (...args: Parameters<typeof scorePrediction>) => R[],
): R[] {
  const rows: R[] = [];
  const sound = <T>(read: () => T) => (source.sound ? source.sound(read) : read());
  for (const { id, version } of items) {
    const truth = sound(() => (isForeignName(id) ? foreignTruth(source, id) : defectTruth(source, id, version)));
    if (!truth) continue;
    const { labels, layers, modelSha256, known } = truth;
    for (const criterion of criteria) {
      const prediction = sound(() => results.prediction(criterion, id, version));
      if (!prediction) continue;
      if (prediction.model_sha256 !== (modelSha256 ?? prediction.model_sha256)) {
        throw new InputError(
          `results/${predictionName(criterion, id, version, results.budget)}.json: is of another model than the database holds; run 'bdefects localize ${id}:${version} --criterion ${criterion}' again`,
        );
      }
      rows.push(...score(layers, prediction, labels).flatMap(known));
    }
  }
  return rows;
}
