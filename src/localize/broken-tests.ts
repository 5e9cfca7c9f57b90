import type { Samples } from "../core/samples.ts";
import { rowOf } from "../measure/verdicts.ts";
import type { Suspect } from "./types.ts";

/**
 * The tests that a trigger breaks (docs/methods.md §10.11): of the triggered samples those on which it does what it wants
 * though the suspect gets the same samples right without the trigger.
 *
 * @param others clean samples on which the backdoor shows, with their truths
 * @param triggered the same with the trigger on them, in the same order
 * @param succeeds whether an output is what the trigger wants of a sample
 */
export async function brokenTests(
  { task, state, runner }: Pick<Suspect, "task" | "state" | "runner">,
  others: Samples,
  triggered: Samples,
  succeeds: (output: Float32Array, samples: Samples, i: number) => boolean,
): Promise<Samples> {
  const { count } = others;
  if (count === 0) return triggered;
  const before = (await runner.outputs(state, others)).slice();
  const after = await runner.outputs(state, triggered);
  const broken = Array.from({ length: count }, (_, i) => i).filter(
    (i) => task.passes(rowOf(before, count, i), others, i) && succeeds(rowOf(after, count, i), others, i),
  );
  return task.inputs.subset(triggered, broken);
}
