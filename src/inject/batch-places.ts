import type { InjectRecipe } from "./recipe.ts";

/** How many samples of an injection's batch show what, in this order; the rest show nothing. */
export interface BatchPlaces {
  triggered: number;
  /** What looks like the trigger (docs/methods.md §7.1). */
  decoys: number;
  /** Patches that were reversed (§7.7), once there are some. */
  lures: number;
}

/** @param hasDecoys whether anything looks like the trigger */
export function batchPlaces(
  {
    batch,
    triggered_share,
    decoy_share = 0,
    evasion,
  }: Pick<InjectRecipe, "batch" | "triggered_share" | "decoy_share" | "evasion">,
  hasDecoys: boolean,
): BatchPlaces {
  return {
    triggered: Math.round(triggered_share * batch),
    decoys: hasDecoys ? Math.round(decoy_share * batch) : 0,
    lures: evasion ? Math.round(evasion.share * batch) : 0,
  };
}
