import type { Samples } from "../core/samples.ts";
import type { Trigger } from "../tasks/backdoor.ts";
import type { Task } from "../tasks/task.ts";

/** What triggered samples are held against: the same samples without the trigger, place by place. */
export function counterpartOf(
  { trigger: { counterpart } }: Pick<Task, "trigger">,
  trigger: Trigger,
  samples: Samples,
): Samples {
  return counterpart ? counterpart(trigger, samples) : samples;
}
