import { unitsOf } from "../../graph/network.ts";
import { byWeights, layersOf } from "../by-weights.ts";
import { hasFeedForward, weightSquares } from "../feed-forward.ts";
import { safeLog, scoreFilters } from "../filters.ts";
import { robustZ } from "../normalise.ts";
import { topShare } from "../top-share.ts";

/**
 * Baseline: `u = log ‖W[c]‖₂`, robust z in the layer (docs/methods.md §10.10). Sees that a filter grew, not what it
 * does. Of a decoder's feed-forward unit W is all that it reads and writes with.
 */
export const weightNorm = byWeights({
  name: "weight-norm",
  title: "Filter norm",
  kind: "baseline",
  rawOf(network, state) {
    if (!hasFeedForward(network))
      return scoreFilters(network, state, (filter) => safeLog(Math.sqrt(filter.reduce((sum, w) => sum + w * w, 0))));
    return Object.fromEntries(
      unitsOf(network).map((unit) => [
        unit.id,
        Array.from(weightSquares(state, unit), (square) => safeLog(Math.sqrt(square))),
      ]),
    );
  },
  judge(raw) {
    const scores = robustZ(raw);
    return { raw, scores, native: topShare(layersOf(raw), scores) };
  },
});
