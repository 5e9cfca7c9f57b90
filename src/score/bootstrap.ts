import { groupBy } from "../core/group.ts";
import { Random, stageSeed } from "../core/random.ts";
import { quantile } from "../core/statistics.ts";
import { cellMean } from "./cells.ts";

/** A mean with its interval; null bounds: too few values for one. */
export interface Estimate {
  value: number;
  low: number | null;
  high: number | null;
}

/** One defect's value, with the cell it is averaged in and the clean model it was made from. */
export interface Sampled {
  value: number;
  /** Data set, architecture, attack, level and style (docs/methods.md §13.1). */
  cell: string;
  /** The clean model: its defects are not independent of each other. */
  cluster: string;
}

export const RESAMPLES = 2000;
const TAIL = 0.025;
/** An interval from fewer values would show false precision. */
const LEAST = 3;

/**
 * Cell mean with its percentile bootstrap interval of 95 %. Two stages, because defects of one clean model are not
 * independent: clean models are drawn with replacement, then the defects of each drawn model. With one clean model
 * this is the bootstrap over its defects, and says nothing about other clean models.
 *
 * @param label names the draw, so that each interval is the same in every report of the database.
 * @returns null of nothing; without an interval below 3 values.
 */
export function bootstrapMean(samples: readonly Sampled[], seed: number, label: string): Estimate | null {
  if (samples.length === 0) return null;
  const value = cellMean(samples);
  if (samples.length < LEAST) return { value, low: null, high: null };
  const cells = [...new Set(samples.map(({ cell }) => cell))];
  const numbered = samples.map((sample) => ({ ...sample, cellNumber: cells.indexOf(sample.cell) }));
  const clusters = [...groupBy(numbered, ({ cluster }) => cluster).values()];
  const random = new Random(stageSeed(seed, "report", "bootstrap", label));
  const [sums, counts] = [new Float64Array(cells.length), new Int32Array(cells.length)];
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    sums.fill(0);
    counts.fill(0);
    for (let c = 0; c < clusters.length; c++) {
      const cluster = clusters[random.below(clusters.length)];
      for (let i = 0; i < cluster.length; i++) {
        const { cellNumber, value: drawn } = cluster[random.below(cluster.length)];
        sums[cellNumber] += drawn;
        counts[cellNumber]++;
      }
    }
    return meanOfCells(sums, counts);
  }).sort();
  return { value, low: quantile(means, TAIL), high: quantile(means, 1 - TAIL) };
}

/** Unweighted over the cells that were drawn at all. */
function meanOfCells(sums: Float64Array, counts: Int32Array): number {
  let [total, cells] = [0, 0];
  for (let i = 0; i < sums.length; i++) {
    if (counts[i] === 0) continue;
    total += sums[i] / counts[i];
    cells++;
  }
  return total / cells;
}
