import { averageAsrd, averageWji } from "./averages.ts";
import type { Claim } from "./claim.ts";
import { anpStable, clpDecays, deepmuflImproves, ncNarrow, slicerImproves } from "./level-trends.ts";
import { fpWeakest, weightBasedBest } from "./order.ts";
import { slicerStrongOnSra } from "./slicer-sra.ts";

/** The original's findings, as claims (docs/methods.md §2). */
export const CLAIMS: readonly Claim[] = [
  averageWji,
  averageAsrd,
  weightBasedBest,
  clpDecays,
  anpStable,
  slicerImproves,
  deepmuflImproves,
  ncNarrow,
  fpWeakest,
  slicerStrongOnSra,
];
