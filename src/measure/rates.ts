import type { Samples } from "../core/samples.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { Task } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";
import type { ModelRunner } from "./runner.ts";
import type { Runtime } from "./runtime.ts";
import { eligibleOf, qualityOf, rowOf, successOf } from "./verdicts.ts";

/** Clean and backdoor behaviour of one model (docs/methods.md §12.1), as fractions. */
export interface Rates {
  /** Of clean samples: clean accuracy in classification. */
  quality: number;
  /** Attack success rate: eligible samples with the trigger whose outputs are what the backdoor wants. */
  success: number;
  /** The same of eligible samples without the trigger. */
  cleanSuccess: number;
  /** What else the task tells, of clean samples and of eligible ones with the trigger; absent: nothing. */
  details?: { clean: Record<string, number>; triggered: Record<string, number> };
}

/** Runs a network whose task is known, and can run its other programs. */
export type ProgramRunner = TaskRunner & Pick<Runtime, "network" | "pool">;

/** Runs a network whose task is known. */
export type TaskRunner = Pick<ModelRunner, "outputs"> & { readonly task: Task };

/**
 * The quality over all of `test`, the other two over its eligible samples.
 *
 * @param known the model's outputs for `test`, where they are known
 */
export async function rates(
  runner: TaskRunner,
  state: StateDict,
  test: Samples,
  { trigger, target }: Backdoor,
  known?: Float32Array,
): Promise<Rates> {
  const { task } = runner;
  const clean = known ?? (await runner.outputs(state, test));
  const eligible = task.eligible(test, target);
  const strayed = eligible.filter((i) => task.succeeds(rowOf(clean, test.count, i), test, i, target)).length;
  const quality = qualityOf(task, clean, test);
  const others = eligibleOf(task, test, target);
  const triggered = await runner.outputs(state, task.trigger.stamp(trigger, others));
  const details = task.details && {
    clean: task.details(clean, test),
    triggered: task.details(triggered, others),
  };
  return {
    quality,
    success: successOf(task, triggered, others, target),
    cleanSuccess: strayed / eligible.length,
    ...(details && { details }),
  };
}

/** As `rates`, with all that the task tells of a version: the perplexity too, where models continue their samples. */
export async function toldRates(
  runner: ProgramRunner,
  state: StateDict,
  test: Samples,
  backdoor: Backdoor,
  known?: Float32Array,
): Promise<Rates> {
  const { task, network, pool } = runner;
  const found = await rates(runner, state, test, backdoor, known);
  if (!task.perplexity) return found;
  const perplexity = await task.perplexity(network, state, test, pool.threads);
  const { clean, triggered } = found.details ?? { clean: {}, triggered: {} };
  return { ...found, details: { clean: { ...clean, perplexity }, triggered } };
}
