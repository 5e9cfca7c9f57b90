import { inferShapes, type LayerNode, type Network, unitsOf } from "../../graph/network.ts";
import type { Deltas } from "./deltas.ts";
import type { EffectiveWeights } from "./effective-weights.ts";
import { WeightedSum } from "./weighted-sum.ts";

/** CONTRIB of every channel of every node. */
export type Contributions = Map<string, Float64Array>;

/**
 * Traces back what contributed to a prediction, by channels (docs/methods.md §10.6). Sums give signs (convolutions with
 * their batch norms folded in, the classifier, the average over space); what only lets through passes contributions on
 * as they are: a ReLU where it is active, a max-pool, an addition to both sides, a concatenation to its parts. Behind a flattening
 * every position is a channel of its own: in front of it a channel gets the sign of its positions' sum.
 */
export class ChannelTracer {
  private readonly network: Network;
  private readonly weights: EffectiveWeights;
  private readonly sum: WeightedSum;
  private readonly contributions: Contributions;

  /** @param theta share of a sum's change that its smallest terms may make up and get nothing for */
  constructor(network: Network, weights: EffectiveWeights, theta: number) {
    this.network = network;
    this.weights = weights;
    this.sum = new WeightedSum(theta);
    const shapes = inferShapes(network);
    this.contributions = new Map(network.nodes.map(({ id }) => [id, new Float64Array(shapes.get(id)![0])]));
  }

  /** @returns CONTRIB by node, at a unit that of its activation; valid until the next call. Not of the image. */
  trace(deltas: Deltas): Contributions {
    for (const values of this.contributions.values()) values.fill(0);
    const nodes = [...this.network.nodes].reverse();
    for (const output of deltas.answer) this.contributions.get(nodes[0].id)![output] = 1;
    for (const node of nodes) this.handOn(node, deltas);
    return this.contributions;
  }

  private handOn(node: LayerNode, deltas: Deltas): void {
    const own = this.contributions.get(node.id)!;
    const at = (id: string) => this.contributions.get(id)!;
    switch (node.op) {
      case "input":
        return;
      case "linear": {
        // What the classifier reads is the mean over space, as the features in front of the pool are known here.
        const pool = this.network.nodes.find(({ id }) => id === node.input);
        const features = pool?.op === "globalpool" ? pool.input : node.input;
        this.shareSum(node.id, own, deltas.sum(node.id), deltas.feature(features), at(node.input));
        return;
      }
      case "globalpool": {
        const changes = deltas.feature(node.input);
        const into = at(node.input);
        // Δ of the mean is the mean's own: its square has no sign but 0.
        for (let c = 0; c < own.length; c++) if (changes[c] !== 0) into[c] += Math.sign(own[c]);
        return;
      }
      case "maxpool":
        passOn(own, at(node.input));
        return;
      case "concat": {
        let start = 0;
        for (const id of node.inputs) {
          const into = at(id);
          passOn(own.subarray(start, start + into.length), into);
          start += into.length;
        }
        return;
      }
      case "add": {
        const through = node.relu ? whereActive(own, deltas.activation(node.id)) : own;
        for (const id of node.inputs) passOn(through, at(id));
        return;
      }
      case "conv": {
        if (node.input === this.network.nodes[0].id) return;
        const through = node.relu ? whereActive(own, deltas.activation(node.id)) : own;
        this.shareSum(node.id, through, deltas.sum(node.id), deltas.feature(node.input), at(node.input));
        return;
      }
      case "dense": {
        // On maps of one position the change before the ReLU is that of the inputs, exactly.
        const through = whereActive(own, deltas.activation(node.id));
        this.shareSum(node.id, through, null, deltas.feature(node.input), at(node.input));
        return;
      }
      case "plainconv":
        if (node.relu) break;
        this.shareSum(node.id, own, deltas.feature(node.id), deltas.feature(node.input), at(node.input));
        return;
      case "flatten": {
        const into = at(node.input);
        const area = own.length / into.length;
        for (let c = 0; c < into.length; c++) {
          let sum = 0;
          for (let i = c * area; i < (c + 1) * area; i++) sum += own[i];
          into[c] += Math.sign(sum);
        }
        return;
      }
    }
    throw new Error(`SLICER is not traced through '${node.op}'`);
  }

  /** @param sums changes of the node's sums; null where they follow from its inputs' */
  private shareSum(
    node: string,
    contributions: Float64Array,
    sums: Float64Array | null,
    changes: Float64Array,
    into: Float64Array,
  ): void {
    const weights = this.weights.get(node)!;
    const inputs = changes.length;
    for (let c = 0; c < contributions.length; c++) {
      if (contributions[c] === 0) continue;
      const row = weights.subarray(c * inputs, (c + 1) * inputs);
      const change = sums ? sums[c] : dot(row, changes);
      this.sum.share(contributions[c], change, row, changes, into);
    }
  }
}

/** CONTRIB of the neurons alone, by layer. */
export function neuronContributions(network: Network, contributions: Contributions): [layer: string, Float64Array][] {
  return unitsOf(network).map(({ id }) => [id, contributions.get(id)!]);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function passOn(from: Float64Array, into: Float64Array): void {
  for (let c = 0; c < from.length; c++) into[c] += from[c];
}

function whereActive(contributions: Float64Array, activations: Float32Array): Float64Array {
  return contributions.map((value, c) => (activations[c] > 0 ? value : 0));
}
