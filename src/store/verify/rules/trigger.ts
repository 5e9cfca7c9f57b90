import { Random, stageSeed } from "../../../core/random.ts";
import type { Network } from "../../../graph/network.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import type { Trigger } from "../../../tasks/backdoor.ts";
import { taskOf } from "../../../tasks/registry.ts";

/**
 * Makes the trigger again where recipe and seed alone decide it; one that is made for a candidate's neurons needs the network,
 * and rounding decides its last bits.
 *
 * @param network whose input it is for
 * @returns one line where the stored one is another, or the recipe makes none
 */
export async function madeTriggerFaults(
  record: Pick<DefectRecord, "task" | "attack" | "dataset" | "recipe">,
  found: Trigger,
  network: Pick<Network, "input">,
): Promise<string[]> {
  const { attack: name, dataset, recipe } = record;
  const { attacks, trigger } = taskOf(record);
  const attack = attacks.get(name);
  if (!attack || typeof recipe.seed !== "number") return [];
  const options = attack.options.safeParse(recipe.attack);
  if (!options.success)
    return [`its recipe's settings of ${name}: '${options.error.issues[0].path.join(".")}' is wrong`];
  if (attack.triggerPer === "candidate") return [];
  const { height, width } = network.input;
  const random = new Random(stageSeed(recipe.seed, "trigger", dataset, name));
  const made = await attack.makeTrigger({ height, width, random, options: options.data });
  const same = isSame(trigger.encode(found), trigger.encode(made));
  return same ? [] : [`its trigger is not the one that its recipe makes for ${name} on ${dataset}`];
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
