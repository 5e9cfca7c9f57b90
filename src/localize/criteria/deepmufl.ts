import { byMutation } from "../deepmufl/by-mutation.ts";
import type { FailingCriterion } from "../types.ts";

/** Mutation-based fault localization (docs/methods.md §10.7) with failing tests that bear the true trigger. */
export const deepmufl: FailingCriterion = {
  name: "deepmufl",
  title: "Mutation-based fault localization",
  kind: "published",
  source: "Ghanbari, Thomas, Arshad, Rajan: Mutation-based Fault Localization of Deep Neural Networks (ASE 2023)",
  needs: ["norm-or-feed-forward"],
  access: "failing",
  needsData: true,
  localize: byMutation,
};
