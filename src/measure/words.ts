import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { type Network, OUTPUT, outputsOf } from "../graph/network.ts";
import { tableOf } from "../graph/ops/embedding.ts";
import { INPUT_GRADIENT } from "../graph/programs/activation.ts";
import { inputGradientProgram } from "../graph/programs/input-gradient.ts";
import { atPositions } from "../graph/programs/language.ts";
import { markOf, partsOf } from "../graph/sequences.ts";
import type { Encoder } from "../tasks/input-codec.ts";
import type { Opened } from "../tasks/insertion.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import type { Runtime } from "./runtime.ts";

/** Cross-entropy of an answer under vectors in the blanks, as the mean over the chosen samples. */
export interface WordResult {
  loss: number;
  /** `[chosen × outputs]`, valid until the next call. */
  outputs: Float32Array;
  /** By the vectors, `[words × width]`. */
  gradient: Float32Array;
}

/** A model of words with vectors of any kind put into samples: mixtures of words too. */
export interface WordGradients {
  /** Values of a word's vector. */
  readonly width: number;
  /** A word's vector. */
  vectorOf(word: number): Float32Array;
  /**
   * @param chosen which of the samples
   * @param answer the output that is wanted of all
   * @param vectors `[words × width]`
   */
  at(opened: Opened, chosen: ArrayLike<number>, answer: number, vectors: Float32Array): Promise<WordResult>;
}

/** The ONNX Runtime implementation of {@link WordGradients}. */
export class OrtWords implements WordGradients {
  readonly width: number;
  private readonly runtime: Runtime;
  private readonly table: Float32Array;
  private readonly network: Network;
  private readonly encoder: (samples: Samples) => Encoder;
  private readonly weights: ReadonlyMap<string, Float32Array>;

  /** @throws Error where the network looks nothing up */
  constructor(runtime: Runtime, state: StateDict) {
    const { network, task } = runtime;
    const embedding = network.nodes.find((node) => node.op === "embedding");
    if (!embedding || !task.inputs.lookedUp) throw new Error(`${network.arch} reads no words`);
    this.runtime = runtime;
    this.width = embedding.width;
    this.table = tensorOf(state, tableOf(embedding)).data;
    const behind = task.inputs.lookedUp(network, state);
    this.network = behind.network;
    this.encoder = behind.encoder;
    this.weights = foldState(network, state);
  }

  vectorOf(word: number): Float32Array {
    return this.table.subarray(word * this.width, (word + 1) * this.width);
  }

  async at(opened: Opened, chosen: ArrayLike<number>, answer: number, vectors: Float32Array): Promise<WordResult> {
    const { runtime, network, width } = this;
    const { channels, height } = network.input;
    const batch = chosen.length;
    const set = runtime.task.inputs.subset(opened.samples, chosen);
    const encoder = this.encoder(set);
    const all = new Float32Array(batch * encoder.size);
    for (let i = 0; i < batch; i++) encoder.write(set, i, all, i * encoder.size);
    const ends = Array.from({ length: batch }, (_, i) => markOf(all, i, height, channels));
    const [{ positions }] = partsOf(ends, network, batch);
    const input = new Float32Array(batch * positions * channels);
    const words = vectors.length / width;
    const place = (i: number, word: number) => (i * positions + opened.at[chosen[i]] + word) * channels;
    for (let i = 0; i < batch; i++) {
      const start = i * height * channels;
      input.set(all.subarray(start, start + positions * channels), i * positions * channels);
      for (let w = 0; w < words; w++) input.set(vectors.subarray(w * width, (w + 1) * width), place(i, w));
    }
    const outputs = outputsOf(network);
    const targets = new Float32Array(batch * outputs);
    for (let i = 0; i < batch; i++) targets[i * outputs + answer] = 1;
    const feeds = new Map(this.weights).set("input", input).set("targets", targets);
    const shorter = atPositions(network, positions);
    const make = (lowering: Lowering) => inputGradientProgram(lowering, shorter);
    const results = await runtime.pool.run("words", shorter, batch, make, feeds);
    const slopes = results.get(INPUT_GRADIENT)!;
    const gradient = new Float32Array(vectors.length);
    for (let i = 0; i < batch; i++) {
      for (let w = 0; w < words; w++) {
        for (let k = 0; k < width; k++) gradient[w * width + k] += slopes[place(i, w) + k];
      }
    }
    return { loss: results.get("loss")![0], outputs: results.get(OUTPUT)!, gradient };
  }
}
