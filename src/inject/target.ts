import type { DefectKey } from "../core/ids.ts";
import { Random, stageSeed } from "../core/random.ts";

/** In place of a target, in a recipe: every candidate draws its own. */
export const DRAWN = "drawn";

/** What a recipe says of the target: one for all candidates, or `drawn`. */
export type TargetSetting = number | typeof DRAWN;

type Place = Pick<DefectKey, "dataset" | "arch" | "attack" | "level" | "top">;

/**
 * The target to which a candidate's trigger leads: the recipe's, or one drawn from the candidate's own seed, all
 * alike. The styles of a defect have the same target, so that they differ in style alone.
 *
 * @param targets how many a backdoor of the data set can have
 */
export function targetOf(setting: TargetSetting, seed: number, place: Place, targets: number): number {
  if (setting !== DRAWN) return setting;
  const { dataset, arch, attack, level, top } = place;
  return new Random(stageSeed(seed, "target", dataset, arch, level, top, attack)).below(targets);
}
