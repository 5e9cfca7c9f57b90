import { REPAIR_METRIC_KEYS, SCORE_METRIC_KEYS } from "./metrics.ts";

/** The fields of the tables that are derived from labels and results, in their published order, with their types. */

/** Fields of metrics, each a number. */
export function numberFields<K extends string>(keys: readonly K[]): Record<K, "number"> {
  return Object.fromEntries(keys.map((key) => [key, "number"])) as Record<K, "number">;
}

/** Every neuron of every defect that has labels: the truth, one row each. */
export const NEURON_FIELDS = {
  id: "text",
  neuron: "text",
  layer: "text",
  index: "count",
  infected: "flag",
  effective: "flag",
  contribution: "number",
  effect: "number",
} as const;

/** What a criterion said of every neuron of one version. */
export const PREDICTION_FIELDS = {
  id: "text",
  version: "text",
  criterion: "text",
  access: "text",
  budget: "text",
  neuron: "text",
  layer: "text",
  index: "count",
  raw: "number",
  score: "number",
  rank: "count",
  native: "flag",
} as const;

/** What a prediction scores (docs/query.md, "Tables"). */
export const SCORE_FIELDS = {
  id: "text",
  version: "text",
  criterion: "text",
  access: "text",
  budget: "text",
  truth: "text",
  protocol: "text",
  quota: "text",
  k: "count",
  ...numberFields(SCORE_METRIC_KEYS),
  seconds: "number",
} as const;

/** What a repair left of the rates. */
export const REPAIR_FIELDS = {
  id: "text",
  method: "text",
  using: "text",
  budget: "text",
  ...numberFields(REPAIR_METRIC_KEYS),
  seconds: "number",
  cut: "count",
  version: "text",
  note: "text",
} as const;
