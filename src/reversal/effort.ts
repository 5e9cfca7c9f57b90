import type { Budget } from "../core/budget.ts";

/** What the reversal may spend (docs/methods.md §10.13): the same for `short` and `full`, less for the demo's. */
export interface ReversalEffort {
  /** Steps of the look at every class, and as many again for those that lead. */
  screening: number;
  /** Leading classes towards which a patch is reversed in full. */
  finalists: number;
  /** Searches towards any class, whose classes are tried too. */
  votes: number;
  /** Steps of a search for a patch. */
  steps: number;
}

export const EFFORT: Record<Budget, ReversalEffort> = {
  demo: { screening: 6, finalists: 2, votes: 0, steps: 25 },
  short: { screening: 12, finalists: 3, votes: 2, steps: 45 },
  full: { screening: 12, finalists: 3, votes: 2, steps: 45 },
};
