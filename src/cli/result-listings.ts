import type { Listing } from "./listing.ts";

/** Rows of repairs: what it left of the attack before what it cost. */
export const REPAIR_LISTING: Listing = {
  first: ["id", "method", "using", "asr_before", "asr_after", "ca_before", "ca_after", "budget"],
  by: "id",
};

/** Rows of scores: one number of the headline's kind first. */
export const SCORE_LISTING: Listing = {
  first: ["id", "criterion", "version", "wji", "truth", "protocol", "quota", "auroc", "k", "access", "budget"],
  by: "id",
};

/** Criteria by the headline: the place and the interval before what it is over. */
export const RANKING_LISTING: Listing = {
  first: ["rank", "criterion", "budget", "difference", "difference_low", "difference_high", "defects", "access"],
};
