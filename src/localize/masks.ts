import { indexNeurons, layerScores, neuronsAt } from "../core/neuron-index.ts";
import { type Network, neuronLayers } from "../graph/network.ts";
import { Sgd } from "../tune/sgd.ts";
import type { Localization } from "./types.ts";

/** Masks of all neurons in the network's order, each in [0, 1], that start at 1 and are learned by SGD. */
export class Masks {
  readonly values: Float32Array;
  private readonly sgd: Sgd;

  constructor(size: number, momentum: number) {
    this.values = new Float32Array(size).fill(1);
    this.sgd = new Sgd(size, { momentum, weightDecay: 0 });
  }

  /** One step down the gradient, then back into [0, 1]. Where the gradient is no number a mask stays as it is. */
  step(gradient: Float32Array, learningRate: number): void {
    const { values } = this;
    const finite = gradient.map((g) => (Number.isFinite(g) ? g : 0));
    this.sgd.step(values, finite, learningRate);
    for (let i = 0; i < values.length; i++) values[i] = Math.min(1, Math.max(0, values[i]));
  }
}

/** `u = 1 − m`, comparable across layers as it is; native: masks of at most `threshold`. */
export function byMasks(network: Network, masks: Float32Array, threshold: number): Localization {
  const index = indexNeurons(neuronLayers(network));
  const raw = layerScores(
    index,
    Array.from(masks, (m) => 1 - m),
  );
  return {
    raw,
    scores: raw,
    native: neuronsAt(
      index,
      Uint8Array.from(masks, (m) => (m <= threshold ? 1 : 0)),
    ),
  };
}
