import type { LayerScores } from "../core/neurons.ts";
import { mean, median, standardDeviation } from "../core/statistics.ts";
import { flooredZ } from "../reversal/evidence.ts";

/** Ways to make a criterion's numbers comparable across layers (docs/methods.md §10.1). */

const TINY = 1e-12;

/** Makes MAD estimate the standard deviation of a normal distribution. */
const MAD_TO_STD = 1.4826;

function perLayer(raw: LayerScores, normalise: (values: number[]) => number[]): LayerScores {
  return Object.fromEntries(Object.entries(raw).map(([layer, values]) => [layer, normalise(values)]));
}

/** `(u − mean) / (std + 1e-12)` inside each layer, with the unbiased standard deviation: the default. */
export function layerZ(raw: LayerScores): LayerScores {
  return perLayer(raw, (values) => {
    const [centre, spread] = [mean(values), standardDeviation(values) + TINY];
    return values.map((u) => (u - centre) / spread);
  });
}

/** `(u − median) / (1.4826·MAD + 1e-12)` inside each layer: a few outliers do not move the yardstick. */
export function robustZ(raw: LayerScores): LayerScores {
  return perLayer(raw, (values) => {
    const centre = median(values);
    const spread = MAD_TO_STD * median(values.map((u) => Math.abs(u - centre))) + TINY;
    return values.map((u) => (u - centre) / spread);
  });
}

/** Beyond this a z says no more. */
const BOUND = 6;

/** The floored z of each layer (`flooredZ`) within ±6: where most of a layer is all but equal, the rest is not infinitely far. */
export function boundedZ(raw: LayerScores): LayerScores {
  return perLayer(flooredZ(raw), (values) => values.map((z) => Math.min(BOUND, Math.max(-BOUND, z))));
}

/**
 * Rank inside each layer, scaled to [0, 1]: 1 − (channels that are more suspicious)/(C − 1). Equal channels share the
 * better rank, so dead channels tie at the top (docs/methods.md §10.1); a layer of one channel says nothing and gets
 * 0.5.
 */
export function withinLayerRank(raw: LayerScores): LayerScores {
  return perLayer(raw, (values) => {
    if (values.length === 1) return [0.5];
    const descending = Float64Array.from(values).sort().reverse();
    const above = new Map<number, number>();
    descending.forEach((u, i) => {
      if (!above.has(u)) above.set(u, i);
    });
    return values.map((u) => 1 - above.get(u)! / (values.length - 1));
  });
}

/** A z as `attribution` counts it: within [−1, 4], beyond which it says no more (docs/methods.md §10.13). */
export function clippedZ(z: number): number {
  return Math.min(4, Math.max(-1, z));
}
