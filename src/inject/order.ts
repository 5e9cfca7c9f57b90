import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import { subset } from "../datasets/batch.ts";
import type { Dataset } from "../datasets/types.ts";
import type { ModelRunner } from "../measure/runner.ts";
import type { StateDict } from "../tensor/state.ts";

/** Rule 1's injection order: per layer, channel indices by falling contribution; ties by index. */
export type ContributionOrder = NeuronSet;

/**
 * Ranks the neurons of every layer by their contribution to the clean classification (METHODS §3.1) on seeded images
 * of `train`, which is the attacker's.
 */
export async function contributionOrder(
  runner: ModelRunner,
  clean: StateDict,
  dataset: Dataset,
  arch: string,
  images: number,
  seed: number,
): Promise<ContributionOrder> {
  const random = new Random(stageSeed(seed, "contribution", dataset.name, arch));
  const sample = subset(dataset.train, random.sample(dataset.train.count, images));
  const contribution = await runner.contribution(clean, sample);
  const order: ContributionOrder = {};
  for (const [layer, values] of contribution) {
    order[layer] = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
  }
  return order;
}
