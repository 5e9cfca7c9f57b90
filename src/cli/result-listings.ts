import type { Version } from "../core/ids.ts";
import type { Listing } from "./listing.ts";

/**
 * Rows of repairs: what it left of the attack, first of all; then what there was, and what it cost. Where a model without a
 * backdoor was repaired, which version it was comes before that.
 */
export function repairListing(rows: readonly { version: Version }[]): Listing {
  const isUsual = rows.every(({ version }) => version === "infected");
  const which = isUsual ? ["id"] : ["id", "version"];
  return {
    first: [...which, "method", "using", "asr_after", "asr_before", "ca_after", "ca_before", "budget"],
    by: "id",
  };
}

/** The same as `repair` has it: where a repair says which neurons it cut, how many is as much as what is left of the attack. */
export function madeRepairListing(rows: readonly { version: Version; cut: number | null }[]): Listing {
  const listing = repairListing(rows);
  if (rows.every(({ cut }) => cut === null)) return listing;
  const first = listing.first!.flatMap((field) => (field === "asr_after" ? [field, "cut"] : [field]));
  return { ...listing, first };
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
