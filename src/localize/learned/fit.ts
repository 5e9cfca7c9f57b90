import { fitLogistic, logOdds } from "../../tune/logistic.ts";
import { bestThreshold, topMean } from "./gate.ts";
import type { LeftOut, LocalizerVariant } from "./localizer.ts";

/** A model whose neurons a localizer learns from. */
export interface TrainingModel {
  id: string;
  version: "infected" | "sham";
  /** What may be left out together. */
  groups: Record<LeftOut["by"], string>;
  /** `[neurons × features]`, row-major. */
  rows: Float32Array;
  /** 1 where the neuron is in the set to find; of a sham none is. */
  labels: Uint8Array;
  /** What each neuron's row counts, 1 where nothing is said (docs/methods.md §10.14). */
  weights: Float64Array;
}

/** Rows that every model counts as, so that wide networks weigh no more than narrow ones. */
const ROWS_A_MODEL = 300;

/** Of the sum of all weights (`fitLogistic`). */
export const RIDGE = 1e-4;

/** Fits one variant on all models but those left out, and its gate on the same. */
export function fitVariant(models: readonly TrainingModel[], without: LeftOut | null): LocalizerVariant {
  const seen = models.filter(({ groups }) => without === null || groups[without.by] !== without.value);
  const columns = seen[0].rows.length / seen[0].labels.length;
  const count = seen.reduce((sum, { labels }) => sum + labels.length, 0);
  const data = {
    rows: new Float32Array(count * columns),
    columns,
    labels: new Uint8Array(count),
    weights: new Float64Array(count),
  };
  let start = 0;
  for (const { rows, labels, weights } of seen) {
    data.rows.set(rows, start * columns);
    data.labels.set(labels, start);
    const share = ROWS_A_MODEL / labels.length;
    for (let i = 0; i < labels.length; i++) data.weights[start + i] = share * weights[i];
    start += labels.length;
  }
  const model = fitLogistic(data, RIDGE);
  const tops = (version: TrainingModel["version"]) =>
    seen.filter((one) => one.version === version).map(({ rows }) => topMean(logOdds(model, rows)));
  return { without, ...model, gate: bestThreshold(tops("infected"), tops("sham")) };
}

/** The groups of one kind that models belong to, in order. */
export function groupsOf(models: readonly TrainingModel[], by: LeftOut["by"]): LeftOut[] {
  return [...new Set(models.map(({ groups }) => groups[by]))].sort().map((value) => ({ by, value }));
}

/** Everything that a localizer is made of: the variant that saw all, and one for each group that was left out. */
export function fitVariants(models: readonly TrainingModel[], kinds: readonly LeftOut["by"][]): LocalizerVariant[] {
  const left = kinds
    .flatMap((by) => groupsOf(models, by))
    .filter(({ by, value }) => {
      const rest = models.filter(({ groups }) => groups[by] !== value);
      return rest.some(({ version }) => version === "infected") && rest.some(({ version }) => version === "sham");
    });
  return [null, ...left].map((without) => fitVariant(models, without));
}
