import { median } from "../../core/statistics.ts";
import { unitsOf } from "../../graph/network.ts";
import { sliceOf } from "../../graph/units.ts";
import { readSlice } from "../../tensor/slices.ts";
import { byWeights, layersOf } from "../by-weights.ts";
import { hasFeedForward, matricesOf } from "../feed-forward.ts";
import { safeLog, scoreFilters } from "../filters.ts";
import { robustZ } from "../normalise.ts";
import { topShare } from "../top-share.ts";

/**
 * Baseline: `u = log median|W[c]|`, robust z in the layer (docs/methods.md §10.10): tuning lifts the small weights too. Of a decoder's
 * feed-forward unit W is all that it reads and writes with.
 */
export const weightFloor = byWeights({
  name: "weight-floor",
  title: "Median absolute weight",
  kind: "baseline",
  rawOf(network, state) {
    const floor = (weights: Float32Array) => safeLog(median(weights.map(Math.abs)));
    if (!hasFeedForward(network)) return scoreFilters(network, state, floor);
    return Object.fromEntries(
      unitsOf(network).map((unit) => {
        const shares = matricesOf(unit);
        const all = (n: number) => joined(shares.map((share) => readSlice(state, sliceOf(share, n))));
        return [unit.id, Array.from({ length: unit.width }, (_, n) => floor(all(n)))];
      }),
    );
  },
  judge(raw) {
    const scores = robustZ(raw);
    return { raw, scores, native: topShare(layersOf(raw), scores) };
  },
});

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}
