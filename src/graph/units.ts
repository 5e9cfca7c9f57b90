import type { NeuronSet } from "../core/neurons.ts";
import { type Slice, sliceSize } from "../tensor/slices.ts";
import { type Network, unitsOf } from "./network.ts";

/**
 * What a part of a tensor is to its neuron. Training moves the weights that the neuron reads with, its bias, and its batch
 * norm's gain γ and shift β, and the weights that the next layer reads it with where they are its own; its batch norm's mean μ and
 * variance σ² go with it. A gated unit reads with two sets of weights: `weight` makes its gate, `up` what passes the gate.
 */
export type Role = "weight" | "up" | "bias" | "gain" | "shift" | "outgoing" | "mean" | "variance";

/** A tensor that a unit's neurons divide among them: neuron n has index n along the axis. */
export interface Share {
  key: string;
  axis: number;
  role: Role;
}

/** A layer of neurons. */
export interface Unit {
  id: string;
  width: number;
  /** Whether a ReLU follows directly, so that no activation is below 0. */
  relu: boolean;
  /** What its neurons own: θ of docs/methods.md §1.1. */
  owned: readonly Share[];
  /** Statistics that belong to its neurons and that training does not move. */
  statistics: readonly Share[];
}

/** The units that a neuron set names, with their neurons. @throws Error on a layer or neuron that the network lacks */
export function chosenUnits(network: Network, chosen: NeuronSet): { unit: Unit; neurons: number[] }[] {
  const units = new Map(unitsOf(network).map((unit) => [unit.id, unit]));
  return Object.entries(chosen).map(([layer, neurons]) => {
    const unit = units.get(layer);
    if (!unit) throw new Error(`${network.arch} has no layer '${layer}'`);
    const beyond = neurons.find((n) => !Number.isInteger(n) || n < 0 || n >= unit.width);
    if (beyond !== undefined) throw new Error(`${network.arch}: layer '${layer}' has no neuron ${beyond}`);
    return { unit, neurons };
  });
}

/** A neuron's slice of a tensor that its unit shares. */
export function sliceOf({ key, axis }: Share, neuron: number): Slice {
  return { key, axis, index: neuron };
}

/** Numbers that each neuron of a unit owns. @param shapes of the network's state (`stateShapes`) */
export function ownedValues(shapes: ReadonlyMap<string, readonly number[]>, { owned }: Unit): number {
  return owned.reduce((sum, { key, axis }) => sum + sliceSize(shapes.get(key)!, axis), 0);
}

/** Where a unit's neurons hold the weights that they read with. */
export function weightsOf({ id, owned }: Unit): Share {
  const share = owned.find(({ role }) => role === "weight");
  if (!share) throw new Error(`the neurons of '${id}' have no weights`);
  return share;
}
