import { flatScores, indexNeurons, membership } from "../core/neuron-index.ts";
import { countNeurons, type LayerWidth, parseNeurons } from "../core/neurons.ts";
import { agreementAtK } from "./agreement-at-k.ts";
import { auroc, averagePrecision, layerMacro, meanExam, precisionAtG, recallAt, topN } from "./ranking.ts";
import { type Prediction, type ScoreRow, scorePrediction, type Truth } from "./score.ts";
import { compareSets } from "./sets.ts";
import { restrictContributions } from "./wji.ts";

/** How far down the ranking an engineer looks (docs/methods.md §12.4). */
export const DEPTHS = [1, 5, 10, 50] as const;
type Depth = (typeof DEPTHS)[number];

/** Further metrics of docs/methods.md §12.4, beside the published fields. Undefined is null. */
export const EXTENDED_METRICS = [
  "f1",
  ...DEPTHS.map((n) => `top_${n}` as const),
  ...DEPTHS.map((n) => `recall_at_${n}` as const),
  "precision_at_g",
  "mean_exam",
  "auroc_layer",
  "ap_layer",
] as const;
export type ExtendedMetric = (typeof EXTENDED_METRICS)[number];

/**
 * A score row with all metrics: `top_n` = the chance that a true neuron is among the first n; `recall_at_n` = the share
 * of true neurons there; `precision_at_g` = the share of true ones among the first |G|; `mean_exam` = mean rank of a true
 * neuron / N; `auroc_layer`, `ap_layer` = means over the layers where defined. Ties are broken at random, in expectation.
 */
export type ExtendedScoreRow = ScoreRow & Record<ExtendedMetric, number | null>;

const BLANK = Object.fromEntries(EXTENDED_METRICS.map((name) => [name, null])) as Record<ExtendedMetric, null>;

/** As `scorePrediction`, with the further metrics. All but `f1` judge the ranking and repeat over the protocols. */
export function scorePredictionExtended(
  layers: LayerWidth[],
  prediction: Prediction,
  labels: Truth,
): ExtendedScoreRow[] {
  const index = indexNeurons(layers);
  const scores = flatScores(index, prediction.scores);
  const native = parseNeurons(prediction.native);
  const widths = layers.map(({ width }) => width);
  const rankings = new Map<ScoreRow["truth"], Omit<Record<ExtendedMetric, number | null>, "f1">>();
  return scorePrediction(layers, prediction, labels).map((row): ExtendedScoreRow => {
    const truth = row.truth === "full" ? labels.infected : labels.effective;
    if (truth === null || countNeurons(truth) === 0) return { ...row, ...BLANK };
    let ranking = rankings.get(row.truth);
    if (!ranking) {
      const flags = membership(index, truth);
      ranking = {
        ...atDepths("top", (n) => topN(scores, flags, n)),
        ...atDepths("recall_at", (n) => recallAt(scores, flags, n)),
        precision_at_g: precisionAtG(scores, flags),
        mean_exam: meanExam(scores, flags),
        auroc_layer: layerMacro(auroc, widths, scores, flags),
        ap_layer: layerMacro(averagePrecision, widths, scores, flags),
      };
      rankings.set(row.truth, ranking);
    }
    const { f1 } =
      row.quota === null
        ? compareSets(truth, native)
        : agreementAtK(
            index,
            scores,
            truth,
            restrictContributions(labels.infected, labels.contribution, truth),
            row.quota,
          );
    return { ...row, f1, ...ranking };
  });
}

function atDepths<P extends string, V>(prefix: P, value: (n: Depth) => V): Record<`${P}_${Depth}`, V> {
  return Object.fromEntries(DEPTHS.map((n) => [`${prefix}_${n}`, value(n)])) as Record<`${P}_${Depth}`, V>;
}
