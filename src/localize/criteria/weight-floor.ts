import { median } from "../../core/statistics.ts";
import { neuronLayers } from "../../graph/network.ts";
import { safeLog, scoreFilters } from "../filters.ts";
import { robustZ } from "../normalise.ts";
import { topShare } from "../top-share.ts";
import type { CleanCriterion } from "../types.ts";

/**
 * Baseline: `u = log median|W[c]|`, robust z in the layer (docs/methods.md §10.10): tuning lifts the small weights too.
 */
export const weightFloor: CleanCriterion = {
  name: "weight-floor",
  title: "Median absolute weight",
  kind: "baseline",
  access: "clean",
  needsData: false,
  async localize({ network, state }) {
    const raw = scoreFilters(network, state, (filter) => safeLog(median(filter.map(Math.abs))));
    const scores = robustZ(raw);
    return { raw, scores, native: topShare(neuronLayers(network), scores) };
  },
};
