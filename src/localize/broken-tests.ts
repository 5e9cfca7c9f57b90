import { argmax } from "../core/argmax.ts";
import { subset } from "../images/batch.ts";
import type { ImageSet } from "../images/image-set.ts";
import type { Suspect } from "./types.ts";

/**
 * The tests that a trigger breaks (docs/methods.md §10.11): of the triggered images those that the suspect sends to the
 * target though it gets the same images right without the trigger.
 *
 * @param others clean images of other classes than the target, with their labels
 * @param triggered the same with the trigger on them, in the same order
 */
export async function brokenTests(
  { network, state, runner }: Pick<Suspect, "network" | "state" | "runner">,
  others: ImageSet,
  triggered: ImageSet,
  target: number,
): Promise<ImageSet> {
  if (others.count === 0) return triggered;
  const { classes } = network;
  const before = (await runner.logits(state, others)).slice();
  const after = await runner.logits(state, triggered);
  const broken = Array.from({ length: others.count }, (_, i) => i).filter(
    (i) => argmax(before, classes, i) === others.labels[i] && argmax(after, classes, i) === target,
  );
  return subset(triggered, broken);
}
