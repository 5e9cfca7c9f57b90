import type { Grid } from "../../core/grid.ts";
import type { NeuronSet } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Dataset } from "../../datasets/types.ts";
import type { Network } from "../../graph/network.ts";
import { driftModel } from "../../measure/drift.ts";
import { rewriteBatchNorm } from "../../measure/rewrite.ts";
import type { ModelRunner } from "../../measure/runner.ts";
import { storedStatistics } from "../../measure/statistics.ts";
import type { Task } from "../../tasks/task.ts";
import { onGrid } from "../../tensor/half-grid.ts";
import type { StateDict } from "../../tensor/state.ts";

/**
 * Gives a model the batch-norm statistics that it has on clean training samples; its function stays (docs/methods.md
 * §7.3).
 */
export type Rewrite = (model: StateDict) => Promise<StateDict>;

/**
 * The last step of style `discreet`, the same for infected model, sham, clean twin and drift control: each gets the
 * statistics that it has itself on the same seeded samples of `train`, which is the attacker's.
 *
 * @param grid that models are rounded to, before and after
 */
export function rewriteFor(
  network: Network,
  runner: Pick<ModelRunner, "preActivations"> & { task: Pick<Task, "inputs"> },
  dataset: Pick<Dataset, "name" | "train">,
  arch: string,
  images: number,
  seed: number,
  grid?: Grid,
): Rewrite {
  const random = new Random(stageSeed(seed, "batch-norm statistics", dataset.name, arch));
  const { train } = dataset;
  const sample = runner.task.inputs.subset(train, random.sample(train.count, images));
  return async (model) => {
    const state = onGrid(model, grid);
    return rewriteBatchNorm(network, state, await runner.preActivations(state, sample), grid);
  };
}

/**
 * The `drift` control of a discreet defect (docs/methods.md §8.2). How far a tensor moved can only be told under the
 * same statistics, so the infected model is first rewritten to the twin's; what has drifted then gets its own, as all
 * discreet models do.
 */
export function discreetDrift(
  network: Network,
  twin: StateDict,
  infected: StateDict,
  neurons: NeuronSet,
  seed: number,
  rewrite: Rewrite,
): Promise<StateDict> {
  const comparable = rewriteBatchNorm(network, infected, storedStatistics(network, twin));
  return rewrite(driftModel(network, twin, comparable, neurons, seed, true));
}
