import { byContribution } from "../contribution.ts";
import type { CleanCriterion } from "../types.ts";

/** Baseline: the neurons that contribute most to clean predictions (docs/methods.md §10.10). */
export const contributionHigh: CleanCriterion = {
  name: "contribution-high",
  title: "High contribution to clean predictions",
  kind: "baseline",
  access: "clean",
  needsData: true,
  localize: (suspect) => byContribution(suspect, 1),
};
