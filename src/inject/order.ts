import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Dataset } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import { tiedUnits } from "../graph/ties.ts";
import type { ModelRunner } from "../measure/runner.ts";
import type { Task } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";

/** Rule 1's injection order: per layer, channel indices by falling contribution; ties by index. */
export type ContributionOrder = NeuronSet;

/** Contribution to clean outputs per layer and neuron. */
export type Contributions = ReadonlyMap<string, Float32Array>;

/** Measures every neuron's contribution (docs/methods.md §6.1) on seeded samples of `train`, which is the attacker's. */
export async function measureContributions(
  runner: Pick<ModelRunner, "contribution"> & { task: Pick<Task, "inputs"> },
  clean: StateDict,
  dataset: Dataset,
  arch: string,
  samples: number,
  seed: number,
): Promise<Contributions> {
  const random = new Random(stageSeed(seed, "contribution", dataset.name, arch));
  const { train } = dataset;
  return runner.contribution(clean, runner.task.inputs.subset(train, random.sample(train.count, samples)));
}

/** Ranks the neurons of every layer by their contribution. */
export function contributionOrder(contributions: Contributions): ContributionOrder {
  return Object.fromEntries([...contributions].map(([layer, values]) => [layer, ranked(Array.from(values))]));
}

/**
 * Ranks units whose channels are added to each other together, by the sums of their contributions, so that they have
 * one order: replacement needs the same channels in all of them (docs/methods.md §6.1).
 */
export function tiedOrder(network: Network, contributions: Contributions): ContributionOrder {
  const orders = new Map<string, number[]>();
  for (const group of tiedUnits(network)) {
    const sums = Array.from(contributions.get(group[0])!);
    for (const unit of group.slice(1)) for (const [c, value] of contributions.get(unit)!.entries()) sums[c] += value;
    for (const unit of group) orders.set(unit, ranked(sums));
  }
  return Object.fromEntries([...contributions.keys()].map((layer) => [layer, orders.get(layer)!]));
}

function ranked(values: number[]): number[] {
  return [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
}
