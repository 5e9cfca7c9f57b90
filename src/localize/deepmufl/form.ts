import type { Budget } from "../../core/budget.ts";
import type { Random } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { type Network, unitsOf } from "../../graph/network.ts";
import type { Rewrites } from "../../measure/mutants/rewrite.ts";
import type { Suspect } from "../types.ts";

/** What a mutant changes. */
export interface MutatedNeuron {
  unit: string;
  channel: number;
}

/** How a kind of neurons is mutated. */
export interface MutantForm<M extends MutatedNeuron> {
  /** Mutants of each neuron: the most that fit the budget, but never fewer than the least. */
  mutants: Record<Budget, { least: number; most: number }>;
  draw(network: Network, perNeuron: number, random: Random): M[];
  /** The suspect on tests, one mutant at a time. */
  on(suspect: Pick<Suspect, "network" | "state" | "runner">, tests: Samples): Rewrites<M>;
}

/** Every neuron's mutants of all kinds, or so many of each neuron's, drawn at random: no neuron is without. */
export function drawKinds<K extends object>(
  network: Network,
  kinds: readonly K[],
  perNeuron: number,
  random: Random,
): (MutatedNeuron & K)[] {
  return unitsOf(network).flatMap((unit) =>
    Array.from({ length: unit.width }, (_, channel) => {
      const drawn =
        perNeuron >= kinds.length ? kinds : [...random.sample(kinds.length, perNeuron)].map((k) => kinds[k]);
      return drawn.map((kind) => ({ unit: unit.id, channel, ...kind }));
    }).flat(),
  );
}
