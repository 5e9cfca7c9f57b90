import type { Listing } from "./listing.ts";

/** Rows of repairs: what it left of the attack, first of all; then what there was, and what it cost. */
export const REPAIR_LISTING: Listing = {
  first: ["id", "method", "using", "asr_after", "asr_before", "ca_after", "ca_before", "budget"],
  by: "id",
};

/** The same as `repair` has it: where a repair says which neurons it cut, how many is as much as what is left of the attack. */
export function repairListing(rows: readonly { cut: number | null }[]): Listing {
  if (rows.every(({ cut }) => cut === null)) return REPAIR_LISTING;
  const [id, method, using, left, ...others] = REPAIR_LISTING.first!;
  return { ...REPAIR_LISTING, first: [id, method, using, left, "cut", ...others] };
}

/** Rows of scores: one number of the headline's kind first. */
export const SCORE_LISTING: Listing = {
  first: ["id", "criterion", "version", "wji", "truth", "protocol", "quota", "auroc", "k", "access", "budget"],
  by: "id",
};

/** Criteria by the headline: the place and the interval before what it is over. */
export const RANKING_LISTING: Listing = {
  first: ["rank", "criterion", "budget", "difference", "difference_low", "difference_high", "defects", "access"],
};
