import { type Network, unitsOf } from "../graph/network.ts";
import type { Role, Share, Unit } from "../graph/units.ts";
import { type StateDict, type Tensor, tensorOf } from "../tensor/state.ts";

/** What a feed-forward unit reads with. */
const READS: readonly Role[] = ["weight", "up"];

/** Whether the neurons are units of a decoder's feed-forward layers: what they write back with is theirs, and a norm stands before them. */
export function hasFeedForward(network: Network): boolean {
  const units = unitsOf(network);
  return (
    units.length > 0 && units.every((unit) => gainBefore(network, unit) !== null && outgoingOf(unit) !== undefined)
  );
}

/** The matrices that a feed-forward unit's neurons divide among them, without biases: what they read with, and what they write with. */
export function matricesOf({ owned }: Unit): Share[] {
  return owned.filter(({ role }) => READS.includes(role) || role === "outgoing");
}

/**
 * The product of the norms of all that a feed-forward unit multiplies with: `‖γ∘g‖·‖γ∘u‖·‖d‖` of a gated one, `‖γ∘w‖·‖d‖` of a plain
 * one, where γ is the gain of the norm before it. It bounds how far the neuron can amplify what it reads (docs/methods.md §10.5).
 */
export function amplification(network: Network, state: StateDict, unit: Unit): number[] {
  const gain = tensorOf(state, gainBefore(network, unit)!).data;
  const product = new Float64Array(unit.width).fill(1);
  for (const { key, axis, role } of matricesOf(unit)) {
    const squares = squaresAlong(tensorOf(state, key), axis, role === "outgoing" ? null : gain);
    for (let n = 0; n < product.length; n++) product[n] *= Math.sqrt(squares[n]);
  }
  return [...product];
}

/** Sums of squares of all of a feed-forward unit's weights, by neuron. */
export function weightSquares(state: StateDict, unit: Unit): Float64Array {
  const sums = new Float64Array(unit.width);
  for (const { key, axis } of matricesOf(unit)) {
    const squares = squaresAlong(tensorOf(state, key), axis, null);
    for (let n = 0; n < sums.length; n++) sums[n] += squares[n];
  }
  return sums;
}

/** Sums of squares of a matrix along one axis, in one pass over it. @param gain factors along the other axis */
function squaresAlong({ shape, data }: Tensor, axis: number, gain: Float32Array | null): Float64Array {
  const [rows, columns] = shape;
  const sums = new Float64Array(shape[axis]);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const value = data[at] * (gain === null ? 1 : gain[axis === 0 ? column : row]);
      sums[axis === 0 ? row : column] += value * value;
    }
  }
  return sums;
}

function outgoingOf({ owned }: Unit): Share | undefined {
  return owned.find(({ role }) => role === "outgoing");
}

/** The entry with the gain of the norm that a unit reads; null where it reads no norm. */
function gainBefore(network: Network, { id }: Unit): string | null {
  const node = network.nodes.find((known) => known.id === id);
  const before = node && "input" in node ? network.nodes.find((known) => known.id === node.input) : undefined;
  return before?.op === "rmsnorm" || before?.op === "layernorm" ? `${before.id}.weight` : null;
}
