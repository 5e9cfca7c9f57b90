import { z } from "zod";
import { BUDGETS, DEFAULT_BUDGET } from "../core/budget.ts";
import { DEVICES } from "../core/device.ts";

/** What all results share. A result belongs to one model, one seed, one budget and one revision of what made it. */

/** Any file of `results/`: its kind, and fields that the stage that wrote it knows. */
export const resultFile = z.looseObject({ kind: z.string() });

/** What a criterion was allowed to spend. */
export const budget = z.enum(BUDGETS).default(DEFAULT_BUDGET);

/** Where networks ran; absent: on the processor. */
export const device = z.enum(DEVICES).optional();

/** Which revision of the criterion or repair made it; absent: the first. */
export const revision = z.number().int().min(2).optional();

/** What a result keeps of the revision that made it: the first is not written down, nor were those before there were others. */
export function revisionStamp({ revision = 1 }: { revision?: number }): { revision?: number } {
  return revision > 1 ? { revision } : {};
}
