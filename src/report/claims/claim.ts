import type { Evidence } from "./evidence.ts";
import type { Measured } from "./measured.ts";

/** `undecided`: measured, but too little for either; `not measured`: no result that bears on it. */
export type Verdict = "reproduced" | "not reproduced" | "undecided" | "not measured";

/** What our results say of a claim. */
export interface Finding {
  verdict: Verdict;
  /** Why, in a sentence without its full stop. */
  reason: string;
  /** The number that decided; null where nothing was measured. */
  decisive: Measured | null;
  /** Two-sided signed-rank p over clean models where the claim is one of a difference. */
  p: number | null;
  /** Further figures. */
  figures: Measured[];
}

/** A finding of the original study as we read it, and how our results decide on it. */
export interface Claim {
  /** Names it in files. */
  id: string;
  /** In our words. */
  statement: string;
  source: string;
  /** What must hold here for it to count as reproduced. */
  rule: string;
  decide(evidence: Evidence): Finding;
}
