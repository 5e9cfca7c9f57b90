import { firstOf, indicesOutside, subset } from "../../images/batch.ts";
import type { ImageSet } from "../../images/image-set.ts";
import { stampSet } from "../../images/trigger/stamp.ts";
import { brokenTests } from "../../localize/broken-tests.ts";
import type { Suspect } from "../../localize/types.ts";
import type { Backdoor } from "../../tasks/backdoor.ts";

/** So many of the defender's clean images are tried. */
const TRIED = 600;

/**
 * The failing tests of a suspect (docs/methods.md §10.11): clean samples that the defender holds, of other classes than
 * the target, with the trigger stamped on them and their true labels; of these the ones that the suspect sends to the
 * target though it gets them right without the trigger. Hardly any in a sham.
 *
 * A criterion is handed the images alone: trigger and target stay here.
 */
export async function failingTests(
  suspect: Pick<Suspect, "network" | "state" | "runner" | "clean">,
  { trigger, target }: Backdoor,
): Promise<ImageSet> {
  // The halves are in random order.
  const { fit } = suspect.clean;
  const others = firstOf(subset(fit, indicesOutside(fit, target)), TRIED);
  return brokenTests(suspect, others, stampSet(trigger, others), target);
}
