import type { NeuronSet } from "../core/neurons.ts";
import type { Samples } from "../core/samples.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { OrtRunner } from "../measure/ort-runner.ts";
import { patchedRate } from "../measure/patching.ts";
import { rates } from "../measure/rates.ts";
import { eligibleOf, successOf } from "../measure/verdicts.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";

/** Rule 3's figures (docs/methods.md §6.3), each a fraction of the test samples. */
export interface Correlation {
  /** Quality with G zeroed. */
  ca_masked: number;
  asr_masked: number;
  /** Success on clean eligible samples under the mask: a collapsed network can collapse onto what the backdoor wants. */
  masked_clean_to_target: number;
  asr_patched: number;
  asr_random_mask: number;
}

/** Rule 3: does the backdoor die with its sub-network, and survive the loss of as many other neurons? */
export async function measureCorrelation(
  runner: OrtRunner,
  infectedModel: StateDict,
  infected: NeuronSet,
  randomSets: NeuronSet[],
  test: Samples,
  others: Samples,
  backdoor: Backdoor,
): Promise<Correlation> {
  const masked = await rates(runner, maskNeurons(runner.network, infectedModel, infected), test, backdoor);
  const patched = await patchedRate(runner, infectedModel, infected, others, backdoor);
  return {
    ca_masked: masked.quality,
    asr_masked: masked.success,
    masked_clean_to_target: masked.cleanSuccess,
    asr_patched: patched,
    asr_random_mask: await randomMaskRate(runner, infectedModel, randomSets, others, backdoor),
  };
}

/** Success that is left when a set of other neurons is zeroed, mean over the sets; `samples` may hold such on which none shows too. */
export async function randomMaskRate(
  runner: OrtRunner,
  model: StateDict,
  sets: NeuronSet[],
  samples: Samples,
  { trigger, target }: Backdoor,
): Promise<number> {
  const { task } = runner;
  const others = eligibleOf(task, samples, target);
  const triggered = task.trigger.stamp(trigger, others);
  let surviving = 0;
  for (const set of sets) {
    const outputs = await runner.outputs(maskNeurons(runner.network, model, set), triggered);
    surviving += successOf(task, outputs, others, target);
  }
  return surviving / sets.length;
}
