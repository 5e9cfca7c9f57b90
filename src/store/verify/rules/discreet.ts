import type { Grid } from "../../../core/grid.ts";
import type { NeuronSet } from "../../../core/neurons.ts";
import { BN_EPSILON } from "../../../graph/batchnorm.ts";
import { channelFold } from "../../../graph/fold.ts";
import { convUnits, type Network } from "../../../graph/network.ts";
import { functionDistance } from "../../../measure/rewrite.ts";
import { relativeStep, smallestStep } from "../../../tensor/half-grid.ts";
import { readSlice } from "../../../tensor/slices.ts";
import { type StateDict, tensorOf } from "../../../tensor/state.ts";

/**
 * Most that what is kept may differ, relatively: float32's rounding and room; on a grid two
 * roundings of γ by half a step each, and as much again.
 */
export function keptOn(grid: Grid | undefined): number {
  return grid === undefined ? 1e-5 : 4 * relativeStep(grid);
}

/**
 * A discreet defect's infected model or sham against its twin (docs/methods.md §7.2): the filters of infected neurons
 * keep their length, their gains do not grow, and all other neurons' batch norms compute what they did.
 *
 * @returns one line per rule that is broken
 */
export function discreetFaults(
  network: Network,
  infected: NeuronSet,
  twin: StateDict,
  model: StateDict,
  grid?: Grid,
): string[] {
  const faults: string[] = [];
  const kept = keptOn(grid);
  const step = smallestStep(grid);
  for (const unit of convUnits(network)) {
    for (const channel of Object.hasOwn(infected, unit.id) ? infected[unit.id] : []) {
      const [before, after] = [twin, model].map((state) =>
        lengthOf(readSlice(state, { key: `${unit.id}.weight`, axis: 0, index: channel })),
      );
      const size = tensorOf(twin, `${unit.id}.weight`).data.length / unit.out;
      if (!(Math.abs(after - before) <= kept * before + step * Math.sqrt(size)))
        faults.push(`the filter of ${unit.id}:${channel} has another length`);
      const [gain, grown] = [twin, model].map((state) => Math.abs(channelFold(state, unit, channel).factor));
      const variance = tensorOf(model, `${unit.bn}.running_var`).data[channel];
      if (!(grown <= gain * (1 + kept) + step / Math.sqrt(variance + BN_EPSILON)))
        faults.push(`the gain of ${unit.id}:${channel} has grown`);
    }
  }
  if (!(functionDistance(network, twin, model, infected, grid) <= kept)) {
    faults.push("the batch norm of a neuron that is not infected computes something else");
  }
  return faults.slice(0, 1).map((fault) => `discreet, but ${fault}`);
}

function lengthOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, v) => sum + v ** 2, 0));
}
