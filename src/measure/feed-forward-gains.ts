import { OUTPUT, unitsOf } from "../graph/network.ts";
import { gradientOf, trainProgram } from "../graph/programs/train.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import type { Fed } from "./clean-batches.ts";
import type { GainGradients, GainResult } from "./gains.ts";
import type { Runtime } from "./runtime.ts";

/** The matrix that a feed-forward layer's units write with, and what is fed in its place. */
interface Written {
  key: string;
  /** The axis along which neuron j has index j. */
  axis: number;
  start: number;
  width: number;
  shape: readonly number[];
  weights: Float32Array;
  fed: Float32Array;
}

/**
 * {@link GainGradients} of a decoder's feed-forward units, which have no batch norm: an activation that is a times as large is the
 * same as weights to write with that are, so `d_j ← a_j·d_j`, and `∂L/∂a_j = d_j·∂L/∂(a_j·d_j)`. Nothing is added to a unit: the
 * factor b has no effect, and its gradient is 0 (docs/methods.md §10.10).
 */
export class FeedForwardGains implements GainGradients {
  private readonly runner: Pick<Runtime, "network" | "task" | "pool">;
  private readonly written: readonly Written[];
  private readonly keys: ReadonlySet<string>;
  private readonly feeds = new Map<string, Float32Array>();
  /** What no call changes: all other entries. */
  private readonly frozen: ReadonlyMap<string, Float32Array>;

  constructor(runner: Pick<Runtime, "network" | "task" | "pool">, state: StateDict) {
    this.runner = runner;
    let start = 0;
    this.written = unitsOf(runner.network).map(({ id, width, owned }) => {
      const outgoing = owned.find(({ role }) => role === "outgoing");
      if (!outgoing) throw new Error(`the neurons of '${id}' write with no weights of their own`);
      const { shape, data } = tensorOf(state, outgoing.key);
      const fed = data.slice();
      this.feeds.set(outgoing.key, fed);
      const part = { ...outgoing, start, width, shape, weights: data, fed };
      start += width;
      return part;
    });
    this.keys = new Set(this.feeds.keys());
    this.frozen = new Map([...state].flatMap(([key, { data }]) => (this.keys.has(key) ? [] : [[key, data]])));
  }

  async at({ inputs, targets }: Fed, gain: Float32Array, shift: Float32Array): Promise<GainResult> {
    const { network, task, pool } = this.runner;
    for (const { fed, weights, start, ...part } of this.written) {
      for (let i = 0; i < fed.length; i++) fed[i] = gain[start + neuronAt(part, i)] * weights[i];
    }
    this.feeds.set("input", inputs).set("targets", targets);
    const batch = targets.length / task.loss.size(network);
    const { objective } = task.loss;
    const trains = (key: string) => this.keys.has(key);
    const outputs = await pool.run(
      "gains of feed-forward units",
      network,
      batch,
      (lowering) => trainProgram(lowering, network, { trains, objective }).program,
      this.feeds,
      this.frozen,
    );
    const result = { gain: new Float32Array(gain.length), shift: new Float32Array(shift.length) };
    for (const { key, weights, start, ...part } of this.written) {
      const slope = outputs.get(gradientOf(key))!;
      const sums = new Float64Array(part.width);
      for (let i = 0; i < slope.length; i++) sums[neuronAt(part, i)] += weights[i] * slope[i];
      result.gain.set(sums, start);
    }
    return { loss: outputs.get("loss")![0], outputs: outputs.get(OUTPUT)!, ...result };
  }
}

/** Whose weight a matrix has at a place. */
function neuronAt({ axis, shape }: Pick<Written, "axis" | "shape">, i: number): number {
  return axis === 0 ? Math.floor(i / shape[1]) : i % shape[1];
}
