import type { Samples } from "../../core/samples.ts";
import { brokenTests } from "../../localize/broken-tests.ts";
import type { Suspect } from "../../localize/types.ts";
import { eligibleOf } from "../../measure/verdicts.ts";
import type { Backdoor } from "../../tasks/backdoor.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import type { Task } from "../../tasks/task.ts";

/** So many of the defender's clean samples are tried. */
const TRIED = 600;

/**
 * The failing tests of a suspect (docs/methods.md §10.11): clean samples that the defender holds and on which the backdoor
 * shows, with the trigger stamped on them and their truths; of these the ones on which it succeeds though the suspect gets
 * them right without the trigger. Hardly any in a sham.
 *
 * A criterion is handed the samples alone: trigger and target stay here.
 *
 * @param task the suspect's, whole
 */
export async function failingTests(
  task: Task,
  suspect: Pick<Suspect, "task" | "state" | "runner" | "clean">,
  { trigger, target }: Backdoor,
): Promise<Samples> {
  // The halves are in random order.
  const others = firstOf(task.inputs, eligibleOf(task, suspect.clean.fit, target), TRIED);
  return brokenTests(suspect, others, task.trigger.stamp(trigger, others), (output, samples, i) =>
    task.succeeds(output, samples, i, target),
  );
}
