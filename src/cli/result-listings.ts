import type { Listing } from "./listing.ts";

/** Rows of repairs: what it left of the attack before what it cost. */
export const REPAIR_LISTING: Listing = {
  first: ["id", "asr_after", "using", "method", "ca_after", "asr_before", "ca_before", "budget"],
};

/** Rows of scores: one number of the headline's kind first. */
export const SCORE_LISTING: Listing = {
  first: ["id", "criterion", "wji", "version", "truth", "protocol", "quota", "auroc", "k", "access", "budget"],
};

/** Criteria by the headline: the place and the interval before what it is over. */
export const RANKING_LISTING: Listing = {
  first: ["rank", "criterion", "budget", "difference", "difference_low", "difference_high", "defects", "access"],
};
