import { byContribution } from "../contribution.ts";
import type { CleanCriterion } from "../types.ts";

/** Baseline: the neurons that contribute least to clean predictions (docs/methods.md §10.10). */
export const contributionLow: CleanCriterion = {
  name: "contribution-low",
  title: "Low contribution to clean predictions",
  kind: "baseline",
  access: "clean",
  needsData: true,
  localize: (suspect) => byContribution(suspect, -1),
};
