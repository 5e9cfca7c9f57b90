import { chooseLowering } from "../engine/lowering.ts";
import { Session } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import { toOhwi, toOihw } from "../graph/fold.ts";
import { type Network, OUTPUT } from "../graph/network.ts";
import type { Objective } from "../graph/objectives/objective.ts";
import { gradientOf, type TrainProgram, trainProgram } from "../graph/programs/train.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import { moveRunningStatistics } from "./running-statistics.ts";

export interface AdamTrainerOptions {
  batch: number;
  threads: number;
  /** What is minimised, as a mean over the batch; cross-entropy where it is absent. */
  objective?: Objective;
  /** β₁, the decay of the first moment. */
  momentum: number;
  /** λ of L2 regularisation, `g ← ∇ + λ·θ` as in PyTorch's Adam. */
  weightDecay: number;
}

/** Decay of the second moment. */
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** Under which key the number of steps is kept among the moments. */
const STEPS = "adam#steps";
const firstOf = (key: string) => `${key}#first`;
const secondOf = (key: string) => `${key}#second`;

/**
 * A network in training with Adam (Kingma & Ba 2015; ε placed as in PyTorch). The optimizer runs on the host: it reads and writes every
 * parameter once, which operators of a graph would do a dozen times. Its moments are 32-bit floats, so that a run goes on from stored
 * ones as if nothing had happened.
 */
export class AdamTrainer {
  private readonly session: Session;
  private readonly spec: TrainProgram;
  private readonly state: StateDict;
  /** Parameters in the graph's layout. */
  private readonly values: Map<string, Float32Array>;
  private readonly first: Map<string, Float32Array>;
  private readonly second: Map<string, Float32Array>;
  private readonly momentum: number;
  private readonly weightDecay: number;
  private steps: number;

  private constructor(
    session: Session,
    spec: TrainProgram,
    state: StateDict,
    { momentum, weightDecay }: Pick<AdamTrainerOptions, "momentum" | "weightDecay">,
    moments: StateDict | undefined,
  ) {
    this.session = session;
    this.spec = spec;
    this.state = cloneState(state);
    this.momentum = momentum;
    this.weightDecay = weightDecay;
    const inGraph = (of: StateDict, key: string) => {
      const tensor = tensorOf(of, key);
      return tensor.shape.length === 4 ? toOhwi(tensor) : tensor.data.slice();
    };
    const keys = [...spec.parameters.keys()];
    const momentsOf = (name: (key: string) => string) =>
      new Map(
        keys.map((key) => [
          key,
          moments ? inGraph(moments, name(key)) : new Float32Array(tensorOf(state, key).data.length),
        ]),
      );
    this.values = new Map(keys.map((key) => [key, inGraph(state, key)]));
    this.first = momentsOf(firstOf);
    this.second = momentsOf(secondOf);
    this.steps = moments ? tensorOf(moments, STEPS).data[0] : 0;
  }

  /**
   * @param state where training starts; it is not changed
   * @param moments those of a run that is resumed
   */
  static async create(
    network: Network,
    state: StateDict,
    options: AdamTrainerOptions,
    moments?: StateDict,
  ): Promise<AdamTrainer> {
    const { batch, threads, objective } = options;
    const spec = trainProgram(await chooseLowering(network, batch), network, { objective });
    const session = await Session.open(spec.program, { threads, activationBytes: activationBytes(network, batch) });
    return new AdamTrainer(session, spec, state, options, moments);
  }

  /**
   * One step. While the graph runs, the caller may prepare the next batch in other arrays.
   *
   * @param inputs `[batch, C, H, W]`, normalised
   * @param targets as the objective wants them
   * @returns mean loss and the outputs, valid until the next step
   */
  async step(
    inputs: Float32Array,
    targets: Float32Array,
    learningRate: number,
  ): Promise<{ loss: number; outputs: Float32Array }> {
    const feeds = new Map(this.values).set("input", inputs).set("targets", targets);
    const results = await this.session.run(feeds);
    this.steps++;
    for (const [key, values] of this.values) this.update(key, values, results.get(gradientOf(key))!, learningRate);
    moveRunningStatistics(this.state, this.spec.statistics, results);
    return { loss: results.get("loss")![0], outputs: results.get(OUTPUT)! };
  }

  private update(key: string, values: Float32Array, gradient: Float32Array, learningRate: number): void {
    const [first, second] = [this.first.get(key)!, this.second.get(key)!];
    const [beta1, beta2] = [this.momentum, BETA2];
    const [rest1, rest2] = [1 - beta1, 1 - beta2];
    const rate = learningRate / (1 - beta1 ** this.steps);
    const correction = 1 / Math.sqrt(1 - beta2 ** this.steps);
    const decay = this.weightDecay;
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i] + decay * values[i];
      const m = beta1 * first[i] + rest1 * g;
      const v = beta2 * second[i] + rest2 * g * g;
      first[i] = m;
      second[i] = v;
      values[i] -= (rate * m) / (Math.sqrt(v) * correction + EPSILON);
    }
  }

  /** A copy of the state as it stands, under PyTorch's names and layouts. */
  snapshot(): StateDict {
    return new Map(
      [...this.state].map(([key, { shape, data }]) => [
        key,
        { shape, data: this.stored(this.values, key, shape, data) },
      ]),
    );
  }

  /** A copy of the moments and the number of steps, with which a run can go on: what SGD has velocities for. */
  velocities(): StateDict {
    const copy: StateDict = new Map([[STEPS, { shape: [1], data: Float32Array.of(this.steps) }]]);
    for (const key of this.values.keys()) {
      const { shape } = tensorOf(this.state, key);
      copy.set(firstOf(key), { shape, data: this.stored(this.first, key, shape) });
      copy.set(secondOf(key), { shape, data: this.stored(this.second, key, shape) });
    }
    return copy;
  }

  release(): Promise<void> {
    return this.session.release();
  }

  private stored(
    from: Map<string, Float32Array>,
    key: string,
    shape: number[],
    otherwise?: Float32Array,
  ): Float32Array {
    const values = from.get(key);
    if (!values) return otherwise!.slice();
    return shape.length === 4 ? toOihw(values, shape) : values.slice();
  }
}
