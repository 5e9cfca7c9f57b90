import { rates } from "../measure/rates.ts";
import type { StateDict } from "../tensor/state.ts";
import { randomMaskRate } from "./correlation.ts";
import type { InjectionJob } from "./types.ts";

/** What an attempt's model does on the held-out samples, as a record states it. */
export interface HeldOut {
  told: { held_out_asr: number; held_out_ca_drop: number; held_out_asr_random_mask: number };
  /** By how much it misses the gates with the recipe's margin, in all; 0: it meets them. */
  shortfall: number;
}

/** Holds an attempt's model against the gates that decide whether the next attempt is made. @param reference the clean model's quality there */
export async function judgeHeldOut(
  { recipe, gates, runner, backdoor, heldOut, randomMasks }: InjectionJob,
  model: StateDict,
  reference: number,
): Promise<HeldOut> {
  const found = await rates(runner, model, heldOut, backdoor);
  const drop = reference - found.quality;
  const masked = await randomMaskRate(runner, model, randomMasks, heldOut, backdoor);
  const shortfall =
    Math.max(0, gates.asr + recipe.margin.asr - found.success) +
    Math.max(0, drop - gates.ca_drop + recipe.margin.ca_drop) +
    Math.max(0, gates.random_mask_share * found.success + recipe.margin.random_mask - masked);
  return {
    told: { held_out_asr: found.success, held_out_ca_drop: drop, held_out_asr_random_mask: masked },
    shortfall,
  };
}
