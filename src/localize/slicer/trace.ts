import { convUnits, inferShapes, type LayerNode, type Network } from "../../graph/network.ts";
import type { Deltas } from "./deltas.ts";
import type { EffectiveWeights } from "./effective-weights.ts";
import { WeightedSum } from "./weighted-sum.ts";

/** CONTRIB of every channel of every node. */
export type Contributions = Map<string, Float64Array>;

/**
 * Traces back what contributed to a prediction, by channels (docs/methods.md §10.6). Sums give signs (convolutions with
 * their batch norms folded in, the classifier, the average over space); what only lets through passes contributions on
 * as they are: a ReLU where it is active, a max-pool, an addition to both sides, a concatenation to its parts.
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
    this.contributions.get(nodes[0].id)![deltas.predicted] = 1;
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
        this.shareSum(node.id, own, deltas, deltas.feature(features), at(node.input));
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
        this.shareSum(node.id, through, deltas, deltas.feature(node.input), at(node.input));
        return;
      }
      default:
        throw new Error(`SLICER is not traced through '${node.op}'`);
    }
  }

  private shareSum(
    node: string,
    contributions: Float64Array,
    deltas: Deltas,
    changes: Float64Array,
    into: Float64Array,
  ): void {
    const weights = this.weights.get(node)!;
    const sums = deltas.sum(node);
    const inputs = changes.length;
    for (let c = 0; c < contributions.length; c++) {
      if (contributions[c] === 0) continue;
      this.sum.share(contributions[c], sums[c], weights.subarray(c * inputs, (c + 1) * inputs), changes, into);
    }
  }
}

/** CONTRIB of the neurons alone, by layer. */
export function neuronContributions(network: Network, contributions: Contributions): [layer: string, Float64Array][] {
  return convUnits(network).map(({ id }) => [id, contributions.get(id)!]);
}

function passOn(from: Float64Array, into: Float64Array): void {
  for (let c = 0; c < from.length; c++) into[c] += from[c];
}

function whereActive(contributions: Float64Array, activations: Float32Array): Float64Array {
  return contributions.map((value, c) => (activations[c] > 0 ? value : 0));
}
