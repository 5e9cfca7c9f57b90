/**
 * Grids of half precision: the finite values that IEEE 754 binary16 holds, or of these the ones that need only the first
 * seven bits of its fraction. `tensor/half-grid.ts` rounds to them.
 */
export const GRIDS = ["half", "half7"] as const;
export type Grid = (typeof GRIDS)[number];
