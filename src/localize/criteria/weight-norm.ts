import { neuronLayers } from "../../graph/network.ts";
import { safeLog, scoreFilters } from "../filters.ts";
import { robustZ } from "../normalise.ts";
import { topShare } from "../top-share.ts";
import type { CleanCriterion } from "../types.ts";

/**
 * Baseline: `u = log ‖W[c]‖₂`, robust z in the layer (docs/methods.md §10.10). Sees that a filter grew, not what it
 * does.
 */
export const weightNorm: CleanCriterion = {
  name: "weight-norm",
  title: "Filter norm",
  kind: "baseline",
  access: "clean",
  needsData: false,
  async localize({ network, state }) {
    const raw = scoreFilters(network, state, (filter) => safeLog(Math.sqrt(filter.reduce((sum, w) => sum + w * w, 0))));
    const scores = robustZ(raw);
    return { raw, scores, native: topShare(neuronLayers(network), scores) };
  },
};
