import type { NeuronSet } from "../core/neurons.ts";
import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { OUTPUT } from "../graph/network.ts";
import { keepInput, maskInput, patchProgram } from "../graph/programs/intervene.ts";
import { chosenUnits } from "../graph/units.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import { batchSize } from "./batch-size.ts";
import { slices } from "./batches.ts";
import { counterpartOf } from "./counterpart.ts";
import type { OrtRunner } from "./ort-runner.ts";
import { rowOf } from "./verdicts.ts";

/** Samples per run: each goes in once clean and once triggered. */
const SAMPLES = 128;

/**
 * `asr_patched` (docs/methods.md §6.3): the share of triggered samples on which the backdoor still succeeds when the activations
 * of `neurons` are replaced by those of the same sample without the trigger (its counterpart). Nothing collapses: a causal test.
 *
 * @param others clean samples on which the backdoor shows
 */
export async function patchedRate(
  runner: OrtRunner,
  state: StateDict,
  neurons: NeuronSet,
  others: Samples,
  { trigger, target }: Backdoor,
): Promise<number> {
  const { network, task, normalization, pool } = runner;
  const folded = foldState(network, state);
  const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
  for (const { unit, neurons: patched } of chosenUnits(network, neurons)) {
    const mask = new Float32Array(unit.width);
    for (const n of patched) mask[n] = 1;
    feeds.set(maskInput(unit.id), mask);
    feeds.set(
      keepInput(unit.id),
      mask.map((m) => 1 - m),
    );
  }
  const units = new Set(Object.keys(neurons));
  const { size } = task.inputs.encoder(others, normalization);
  const pairs = batchSize(runner, SAMPLES, SAMPLES) / 2;
  const both = new Float32Array(2 * pairs * size);
  feeds.set("input", both);
  const name = `patch ${[...units].join()}`;
  const make = (lowering: Lowering) => patchProgram(lowering, network, units);
  const triggered = slices(runner, task.trigger.stamp(trigger, others), pairs);
  let hits = 0;
  for (const clean of slices(runner, counterpartOf(task, trigger, others), pairs)) {
    both.set(clean.inputs, 0);
    both.set(triggered.next().value!.inputs, pairs * size);
    const results = await pool.run(name, network, 2 * pairs, make, feeds, undefined, steady);
    const outputs = results.get(OUTPUT)!;
    for (let i = 0; i < clean.count; i++) {
      if (task.succeeds(rowOf(outputs, 2 * pairs, pairs + i), others, clean.start + i, target)) hits++;
    }
  }
  return hits / others.count;
}
