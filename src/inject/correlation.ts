import type { NeuronSet } from "../core/neurons.ts";
import { indicesOutside, subset } from "../images/batch.ts";
import type { ImageSet } from "../images/image-set.ts";
import { stampSet } from "../images/trigger/stamp.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { OrtRunner } from "../measure/ort-runner.ts";
import { patchedRate } from "../measure/patching.ts";
import { countTarget, rates } from "../measure/rates.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";

/** Rule 3's figures (docs/methods.md §6.3), each a fraction of the test images. */
export interface Correlation {
  /** CA with G zeroed. */
  ca_masked: number;
  asr_masked: number;
  /** Clean non-target images that go to the target under the mask: a collapsed network can collapse onto it. */
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
  test: ImageSet,
  others: ImageSet,
  backdoor: Backdoor,
): Promise<Correlation> {
  const masked = await rates(runner, maskNeurons(runner.network, infectedModel, infected), test, backdoor);
  const patched = await patchedRate(runner, infectedModel, infected, others, backdoor);
  return {
    ca_masked: masked.ca,
    asr_masked: masked.asr,
    masked_clean_to_target: masked.cleanToTarget,
    asr_patched: patched,
    asr_random_mask: await randomMaskRate(runner, infectedModel, randomSets, others, backdoor),
  };
}

/** ASR that is left when a set of other neurons is zeroed, mean over the sets; `images` may hold the target class too. */
export async function randomMaskRate(
  runner: OrtRunner,
  model: StateDict,
  sets: NeuronSet[],
  images: ImageSet,
  { trigger, target }: Backdoor,
): Promise<number> {
  const others = subset(images, indicesOutside(images, target));
  const triggered = stampSet(trigger, others);
  let surviving = 0;
  for (const set of sets) {
    const logits = await runner.logits(maskNeurons(runner.network, model, set), triggered);
    surviving += countTarget(logits, others.count, target) / others.count;
  }
  return surviving / sets.length;
}
