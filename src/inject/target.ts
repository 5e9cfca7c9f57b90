import type { DefectKey } from "../core/ids.ts";
import { Random, stageSeed } from "../core/random.ts";

/** In place of a target, in a recipe: every candidate draws its own. */
export const DRAWN = "drawn";

/**
 * The same, drawn again while the trigger leads the clean twin there already: what no training sample has, such as a rare word, moves answers
 * towards some target by chance. Where it leads to each, the one to which it leads least.
 */
export const UNLED = "unled";

/** What a recipe says of the target: one for all candidates, or `drawn`, or `unled`. */
export type TargetSetting = number | typeof DRAWN | typeof UNLED;

type Place = Pick<DefectKey, "dataset" | "arch" | "attack" | "level" | "top">;

/**
 * The target to which a candidate's trigger leads: the recipe's, or one drawn from the candidate's own seed, all
 * alike. The styles of a defect have the same target, so that they differ in style alone.
 *
 * @param targets how many a backdoor of the data set can have
 */
export function targetOf(setting: TargetSetting, seed: number, place: Place, targets: number): number {
  return typeof setting === "number" ? setting : drawnInTurn(seed, place, targets)[0];
}

/** All targets in the order in which a candidate draws them. */
export function drawnInTurn(seed: number, { dataset, arch, attack, level, top }: Place, targets: number): number[] {
  const random = new Random(stageSeed(seed, "target", dataset, arch, level, top, attack));
  const first = random.below(targets);
  const others = Array.from({ length: targets }, (_, i) => i).filter((target) => target !== first);
  return [first, ...random.shuffle(others)];
}
