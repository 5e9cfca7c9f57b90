import type { Listing } from "./listing.ts";

/** Rows of repairs: what it left of the attack before what it cost. */
export const REPAIR_LISTING: Listing = {
  first: ["id", "asr_after", "using", "method", "ca_after", "asr_before", "ca_before"],
};

/** Rows of scores: one number of the headline's kind first. */
export const SCORE_LISTING: Listing = {
  first: ["id", "criterion", "wji", "version", "truth", "protocol", "quota", "auroc", "k", "access"],
};
