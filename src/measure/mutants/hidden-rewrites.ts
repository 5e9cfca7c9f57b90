import type { Samples } from "../../core/samples.ts";
import { classifierOf, type Network, unitsOf, weightedNodes } from "../../graph/network.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { type Profile, profileOf } from "../profile.ts";
import type { Runtime } from "../runtime.ts";
import { rowOf } from "../verdicts.ts";
import type { ChannelRewrite, OnRewritten } from "./rewrite.ts";

/** The hidden layers whose neurons the last layer alone reads. */
export function lastHidden(network: Network): string[] {
  const outgoing = `${classifierOf(network).id}.weight`;
  return unitsOf(network).flatMap(({ id, owned }) =>
    owned.some(({ role, key }) => role === "outgoing" && key === outgoing) ? [id] : [],
  );
}

/**
 * Rewrites of hidden linear units that the last layer reads: the change of a neuron's activation times its column is the change of the
 * outputs, so no program is run but one profile of the samples.
 *
 * @param wanted indices of the rewrites that are of such units
 */
export async function rewriteHidden(
  runtime: Runtime,
  state: StateDict,
  samples: Samples,
  rewrites: readonly ChannelRewrite[],
  wanted: readonly number[],
  visit: OnRewritten,
): Promise<void> {
  if (wanted.length === 0) return;
  const { network } = runtime;
  const profile = await profileOf(runtime, state, samples);
  const { data: columns } = tensorOf(state, `${classifierOf(network).id}.weight`);
  for (const i of wanted) {
    const { unit, channel, scale, shift, window } = rewrites[i];
    const sums = sumsOf(profile, network, state, unit, channel);
    const width = profile.features.get(unit)!.length / samples.count;
    for (let sample = 0; sample < samples.count; sample++) {
      const { sum, inputs } = sums[sample];
      const before = Math.fround(Math.max(0, sum));
      const after = Math.fround(Math.max(0, scale * sum + shift + window * inputs));
      if (after === before) continue;
      const output = rowOf(profile.outputs, samples.count, sample).slice();
      for (let o = 0; o < output.length; o++) output[o] += (after - before) * columns[o * width + channel];
      visit(i, sample, output);
    }
  }
}

/** A neuron's sum before its ReLU, and that of all of its inputs, for each sample. */
function sumsOf({ count, features }: Profile, network: Network, state: StateDict, unit: string, channel: number) {
  const { input } = weightedNodes(network).find(({ id }) => id === unit)!;
  const [weight, bias] = ["weight", "bias"].map((part) => tensorOf(state, `${unit}.${part}`).data);
  const read = features.get(input)!;
  const size = read.length / count;
  return Array.from({ length: count }, (_, sample) => {
    let [sum, inputs] = [bias[channel], 0];
    for (let i = 0; i < size; i++) {
      const x = read[sample * size + i];
      sum += weight[channel * size + i] * x;
      inputs += x;
    }
    return { sum, inputs };
  });
}
