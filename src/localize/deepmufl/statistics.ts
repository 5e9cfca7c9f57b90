/**
 * Suspiciousness from mutants (docs/methods.md §10.7). Tests are counted per mutant: failing ones that pass under it
 * (`f2p`), passing ones that fail (`p2f`), and failing ones whose answer changes, rightly or not (`changed`).
 */
export interface MutantOutcome {
  f2p: number;
  p2f: number;
  changed: number;
}

/** What an element's mutants did; `fixed` and `broken` count distinct tests that some mutant flipped. */
export interface ElementOutcome {
  mutants: readonly MutantOutcome[];
  fixed: number;
  broken: number;
}

/** How many tests fail, and pass, without a mutant. */
export interface Totals {
  failing: number;
  passing: number;
}

/** Similarity of a mutant's flips to a fault's: f failing and p passing tests impacted. 0 where nothing is. */
export type Formula = (f: number, p: number, totals: Totals) => number;

/** `f/(f + p)`. */
export const sbi: Formula = (f, p) => (f + p === 0 ? 0 : f / (f + p));

/** `f/√((f + p)·T_f)`. */
export const ochiai: Formula = (f, p, { failing }) => (f + p === 0 ? 0 : f / Math.sqrt((f + p) * failing));

/** Metallaxis: the largest over an element's mutants. Type 1 counts failing tests that pass, type 2 those that change. */
export function metallaxis({ mutants }: ElementOutcome, type: 1 | 2, formula: Formula, totals: Totals): number {
  const each = mutants.map(({ f2p, p2f, changed }) => formula(type === 1 ? f2p : changed, p2f, totals));
  return Math.max(0, ...each);
}

/** MUSE as deepmufl's released code has it: `α = (fixed/T_f)·(broken/T_p)`, mean of `|f2p/T_f − α·p2f/T_p|`. */
export function museReleased({ mutants, fixed, broken }: ElementOutcome, { failing, passing }: Totals): number {
  const alpha = share(fixed, failing) * share(broken, passing);
  return mean(mutants, ({ f2p, p2f }) => Math.abs(share(f2p, failing) - alpha * share(p2f, passing)));
}

/** MUSE as published: `α = (fixed/T_f)·(T_p/broken)`, mean of `f2p/T_f − α·p2f/T_p`; α = 0 where nothing broke. */
export function museClassic({ mutants, fixed, broken }: ElementOutcome, { failing, passing }: Totals): number {
  const alpha = broken === 0 ? 0 : share(fixed, failing) * (passing / broken);
  return mean(mutants, ({ f2p, p2f }) => share(f2p, failing) - alpha * share(p2f, passing));
}

function share(count: number, total: number): number {
  return total === 0 ? 0 : count / total;
}

function mean(mutants: readonly MutantOutcome[], value: (mutant: MutantOutcome) => number): number {
  return mutants.length === 0 ? 0 : mutants.reduce((sum, mutant) => sum + value(mutant), 0) / mutants.length;
}
