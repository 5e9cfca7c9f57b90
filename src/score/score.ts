import { type Budget, DEFAULT_BUDGET } from "../core/budget.ts";
import { flatScores, indexNeurons, membership } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, type LayerWidth, type NeuronSet, parseNeurons } from "../core/neurons.ts";
import type { DefectLabels } from "../records/labels.ts";
import { SCORE_METRIC_KEYS, type ScoreMetric } from "../records/metrics.ts";
import { agreementAtK } from "./agreement-at-k.ts";
import { auroc, averagePrecision, exam } from "./ranking.ts";
import { compareSets } from "./sets.ts";
import type { Quota } from "./topk.ts";
import { restrictContributions, wji as wjiOf } from "./wji.ts";

/** What scoring needs of a stored prediction. */
export interface Prediction {
  id: string;
  version: string;
  criterion: string;
  access: string;
  /** What the criterion might spend; absent: the short budget. */
  budget?: Budget;
  seconds: number;
  /** Taken in as a file: how long it took is not known. */
  elsewhere?: boolean;
  scores: LayerScores;
  /** `layer:index` strings. */
  native: string[];
}

/** What scoring needs of a defect's labels. */
export type Truth = Pick<DefectLabels, "infected" | "contribution" | "effective">;

/** One prediction held against one truth in one way (docs/query.md, "Tables"). Unknown or undefined is null. */
export interface ScoreRow extends Record<ScoreMetric, number | null> {
  id: string;
  version: string;
  criterion: string;
  access: string;
  /** What the criterion might spend: rows of two budgets share no mean. */
  budget: Budget;
  /** Against G, or against the effective set E. */
  truth: "full" | "effective";
  /** The criterion's own set, or the top-k by score with k = size of the truth. */
  protocol: "native" | "topk";
  /** For `topk`: k over the whole network, or the truth's number per layer. */
  quota: Quota | null;
  /** Size of the set that is judged; for `topk` 0 where all neurons score the same. */
  k: number | null;
  seconds: number | null;
}

const PROTOCOLS: readonly Pick<ScoreRow, "protocol" | "quota">[] = [
  { protocol: "native", quota: null },
  { protocol: "topk", quota: "global" },
  { protocol: "topk", quota: "layer" },
];

/** The metrics against a truth without neurons. */
const UNDEFINED = Object.fromEntries(SCORE_METRIC_KEYS.map((key) => [key, null])) as Record<ScoreMetric, null>;

/**
 * Joins one prediction with its defect's labels: a row per truth and protocol. The ranking metrics (`auroc`, `ap`,
 * `exam`) do not depend on the protocol and repeat. A defect without effective neurons gives null there
 * (docs/methods.md §9.2).
 *
 * @param layers the network's layers in order. @throws Error where prediction or labels do not fit them.
 */
export function scorePrediction(layers: LayerWidth[], prediction: Prediction, labels: Truth): ScoreRow[] {
  const index = indexNeurons(layers);
  const scores = flatScores(index, prediction.scores);
  const native = parseNeurons(prediction.native);
  membership(index, native);
  const { id, version, criterion, access, budget = DEFAULT_BUDGET } = prediction;
  const seconds = prediction.elsewhere ? null : prediction.seconds;

  const truths: [ScoreRow["truth"], NeuronSet | null][] = [
    ["full", labels.infected],
    ["effective", labels.effective],
  ];
  return truths.flatMap(([name, truth]): ScoreRow[] => {
    const head = { id, version, criterion, access, budget, truth: name };
    if (truth === null || countNeurons(truth) === 0) {
      return PROTOCOLS.map((way) => ({ ...head, ...way, k: null, ...UNDEFINED, seconds }));
    }
    const flags = membership(index, truth);
    const ranking = { auroc: auroc(scores, flags), ap: averagePrecision(scores, flags), exam: exam(scores, flags) };
    const contribution = restrictContributions(labels.infected, labels.contribution, truth);
    return PROTOCOLS.map((way) => {
      const { k, wji, jaccard, precision, recall } =
        way.quota === null
          ? { k: countNeurons(native), wji: wjiOf(truth, contribution, native), ...compareSets(truth, native) }
          : agreementAtK(index, scores, truth, contribution, way.quota);
      return { ...head, ...way, k, wji, jaccard, precision, recall, ...ranking, seconds };
    });
  });
}
