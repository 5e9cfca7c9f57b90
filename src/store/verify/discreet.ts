import type { NeuronSet } from "../../core/neurons.ts";
import { channelFold } from "../../graph/fold.ts";
import { convUnits, type Network } from "../../graph/network.ts";
import { functionDistance } from "../../measure/rewrite.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";

/** Most that what is kept may differ, relatively: float32's rounding and room. */
export const KEPT = 1e-5;

/**
 * A discreet defect's infected model or sham against its twin (METHODS §3.2): the filters of infected neurons keep their
 * length, their gains do not grow, and all other neurons' batch norms compute what they did.
 *
 * @returns one line per rule that is broken
 */
export function discreetFaults(network: Network, infected: NeuronSet, twin: StateDict, model: StateDict): string[] {
  const faults: string[] = [];
  for (const unit of convUnits(network)) {
    for (const channel of Object.hasOwn(infected, unit.id) ? infected[unit.id] : []) {
      const [before, after] = [twin, model].map((state) => lengthOf(state, `${unit.id}.weight`, channel));
      if (!(Math.abs(after - before) <= KEPT * before))
        faults.push(`the filter of ${unit.id}:${channel} has another length`);
      const [gain, grown] = [twin, model].map((state) => Math.abs(channelFold(state, unit, channel).factor));
      if (!(grown <= gain * (1 + KEPT))) faults.push(`the gain of ${unit.id}:${channel} has grown`);
    }
  }
  if (!(functionDistance(network, twin, model, infected) <= KEPT)) {
    faults.push("the batch norm of a neuron that is not infected computes something else");
  }
  return faults.slice(0, 1).map((fault) => `discreet, but ${fault}`);
}

function lengthOf(state: StateDict, key: string, row: number): number {
  const { shape, data } = tensorOf(state, key);
  const size = data.length / shape[0];
  let sum = 0;
  for (let i = row * size; i < (row + 1) * size; i++) sum += data[i] ** 2;
  return Math.sqrt(sum);
}
