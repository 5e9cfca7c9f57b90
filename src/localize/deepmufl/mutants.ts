import type { Random } from "../../core/random.ts";
import { channelFold } from "../../graph/fold.ts";
import { type Network, type Weighted, weightedNodes } from "../../graph/network.ts";
import type { ChannelRewrite } from "../../measure/mutants/rewrite.ts";
import { cloneState, type StateDict, tensorOf } from "../../tensor/state.ts";
import { drawKinds, type MutantForm } from "./form.ts";

/** deepmufl's operators on weights and biases. */
export const OPERATORS = ["+1", "-1", "*2", "/2"] as const;
export type Operator = (typeof OPERATORS)[number];

/** A neuron's row of weights `W_l[c]`, or its shift: its batch norm's `β_l[c]`, or its bias where there is no batch norm. */
export const PARAMETERS = ["filter", "shift"] as const;
export type Parameter = (typeof PARAMETERS)[number];

/** One change to one channel (docs/methods.md §10.7); the filter changes in all its entries. */
export interface Mutant {
  unit: string;
  channel: number;
  parameter: Parameter;
  operator: Operator;
}

/** Mutants of one channel. */
export const PER_CHANNEL = OPERATORS.length * PARAMETERS.length;

/** Every channel's mutants, or so many of each channel's, drawn at random: no channel is without. */
export function drawMutants(network: Network, perChannel: number, random: Random): Mutant[] {
  const kinds = PARAMETERS.flatMap((parameter) => OPERATORS.map((operator) => ({ parameter, operator })));
  return drawKinds(network, kinds, perChannel, random);
}

const exactly = (count: number) => ({ least: count, most: count });

/** Channels, and hidden units before the outputs (docs/methods.md §10.7). */
export const changedChannels: MutantForm<Mutant> = {
  // The short budget takes 25 %.
  mutants: { demo: exactly(1), short: exactly(PER_CHANNEL / 4), full: exactly(PER_CHANNEL) },
  draw: drawMutants,
  on({ network, state, runner }, tests) {
    const rewrites = runner.rewrites(state, tests);
    return {
      base: () => rewrites.base(),
      run: (mutants, visit) =>
        rewrites.run(
          mutants.map((mutant) => rewriteOf(network, state, mutant)),
          visit,
        ),
    };
  },
};

/** The mutated model: the mutant written into a copy of the weights. */
export function mutate(network: Network, state: StateDict, mutant: Mutant): StateDict {
  const mutated = cloneState(state);
  const unit = unitOf(network, mutant);
  const { data } = tensorOf(mutated, mutant.parameter === "filter" ? `${unit.id}.weight` : shiftOf(unit));
  const row = data.length / unit.out;
  for (let i = mutant.channel * row; i < (mutant.channel + 1) * row; i++) data[i] = apply(mutant.operator, data[i]);
  return mutated;
}

function apply(operator: Operator, value: number): number {
  if (operator === "+1") return value + 1;
  if (operator === "-1") return value - 1;
  return operator === "*2" ? 2 * value : value / 2;
}

/**
 * What a mutant does to its channel's batch-norm output `y = f·(W∗x) + s` (f and s as folded): a shift moves it, a scaled
 * filter scales `y − s`, and ±1 on a filter adds ±f times the sum of the input under it.
 */
export function rewriteOf(network: Network, state: StateDict, mutant: Mutant): ChannelRewrite {
  const { unit, channel, parameter, operator } = mutant;
  const node = unitOf(network, mutant);
  const { factor, shift } = channelFold(state, node, channel);
  const same = { unit, channel, scale: 1, shift: 0, window: 0 };
  if (parameter === "shift") {
    const beta = tensorOf(state, shiftOf(node)).data[channel];
    return { ...same, shift: apply(operator, beta) - beta };
  }
  if (operator === "+1" || operator === "-1") return { ...same, window: operator === "+1" ? factor : -factor };
  const scale = apply(operator, 1);
  return { ...same, scale, shift: (1 - scale) * shift };
}

function unitOf(network: Network, { unit }: Mutant): Weighted {
  const node = weightedNodes(network).find(({ id }) => id === unit);
  if (!node) throw new Error(`${network.arch} has no layer '${unit}'`);
  return node;
}

function shiftOf({ id, bn }: Weighted): string {
  return `${bn ?? id}.bias`;
}
