import { Random, stageSeed } from "../../../core/random.ts";
import type { Network } from "../../../graph/network.ts";
import type { PaintedTrigger } from "../../../images/trigger/trigger.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import { ATTACKS } from "../../../tasks/classification/attacks/registry.ts";

/** A trigger against the network that sees it. @returns one line per fault */
export function triggerFaults({ height, width, opacity }: PaintedTrigger, { input }: Network): string[] {
  const faults: string[] = [];
  if (height !== input.height || width !== input.width) {
    faults.push(`the trigger has ${height} × ${width} pixels, the network's input ${input.height} × ${input.width}`);
  }
  if (!opacity.every((value) => value >= 0 && value <= 1)) faults.push("the trigger's opacity is outside 0 to 1");
  return faults;
}

/**
 * Makes the trigger again where recipe and seed alone decide it; one that is made for a candidate's neurons needs the network,
 * and rounding decides its last bits.
 *
 * @returns one line where the stored one is another, or the recipe makes none
 */
export async function madeTriggerFaults(
  { attack: name, dataset, recipe }: Pick<DefectRecord, "attack" | "dataset" | "recipe">,
  found: PaintedTrigger,
): Promise<string[]> {
  const attack = ATTACKS.get(name);
  if (!attack || typeof recipe.seed !== "number") return [];
  const options = attack.options.safeParse(recipe.attack);
  if (!options.success)
    return [`its recipe's settings of ${name}: '${options.error.issues[0].path.join(".")}' is wrong`];
  if (attack.triggerPer === "candidate") return [];
  const { height, width } = found;
  const random = new Random(stageSeed(recipe.seed, "trigger", dataset, name));
  const made = await attack.makeTrigger({ height, width, random, options: options.data });
  const same = isSame(found.opacity, made.opacity) && isSame(found.pattern, made.pattern);
  return same ? [] : [`its trigger is not the one that its recipe makes for ${name} on ${dataset}`];
}

function isSame(a: Float32Array | Uint8Array, b: Float32Array | Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
