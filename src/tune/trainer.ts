import { chooseLowering } from "../engine/lowering.ts";
import { Session } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import { toOhwi, toOihw } from "../graph/fold.ts";
import { type Network, OUTPUT } from "../graph/network.ts";
import { LEARNING_RATE, type SgdOptions, updatedOf, velocityOf } from "../graph/programs/sgd.ts";
import { type TrainOptions, type TrainProgram, trainProgram } from "../graph/programs/train.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import { moveRunningStatistics } from "./running-statistics.ts";

/**
 * A network in training: parameters, velocities and running statistics in the training graph's own layout. The step's
 * outputs become the next step's inputs by exchanging two sets of arrays, so nothing is copied; velocities are written in place.
 */
export class Trainer {
  readonly network: Network;
  readonly batch: number;
  private readonly session: Session;
  private readonly spec: TrainProgram;
  private readonly state: StateDict;
  private current = new Map<string, Float32Array>();
  private spare = new Map<string, Float32Array>();
  private readonly rate = new Float32Array(1);

  private constructor(network: Network, batch: number, session: Session, spec: TrainProgram, state: StateDict) {
    this.network = network;
    this.batch = batch;
    this.session = session;
    this.spec = spec;
    this.state = state;
  }

  /**
   * @param state where training starts; the trainer keeps its running statistics in it
   * @param velocities momentum buffers under parameter names (a resumed run's), zero when absent
   */
  static async create(
    network: Network,
    state: StateDict,
    options: SgdOptions & Pick<TrainOptions, "trains" | "objective"> & { batch: number; threads: number },
    velocities?: StateDict,
  ): Promise<Trainer> {
    const lowering = await chooseLowering(network, options.batch);
    const spec = trainProgram(lowering, network, {
      sgd: options,
      trains: options.trains,
      objective: options.objective,
    });
    const session = await Session.open(spec.program, {
      threads: options.threads,
      activationBytes: activationBytes(network, options.batch),
    });
    // What is trained lives in the buckets; of the caller's copy only the shapes are needed.
    const own: StateDict = new Map(state);
    for (const key of spec.trained) own.set(key, { shape: tensorOf(state, key).shape, data: new Float32Array() });
    const trainer = new Trainer(network, options.batch, session, spec, own);
    const write = (source: StateDict, key: string, into: Float32Array) => {
      const tensor = tensorOf(source, key);
      if (tensor.shape.length === 4) toOhwi(tensor, into);
      else into.set(tensor.data);
      return into;
    };
    for (const key of spec.parameters.keys()) {
      if (!spec.trained.has(key)) {
        trainer.current.set(key, write(state, key, new Float32Array(tensorOf(state, key).data.length)));
      }
    }
    for (const { name, size, parts } of spec.buckets) {
      const [weights, momenta] = [new Float32Array(size), new Float32Array(size)];
      for (const { key, start, size: length } of parts) {
        write(state, key, weights.subarray(start, start + length));
        if (velocities) write(velocities, key, momenta.subarray(start, start + length));
      }
      trainer.current.set(name, weights).set(velocityOf(name), momenta);
      // A velocity is read once, before it is written, so it is written in place.
      trainer.spare.set(updatedOf(name), new Float32Array(size)).set(velocityOf(name), momenta);
    }
    return trainer;
  }

  /**
   * One step. While it runs, the caller may prepare the next batch in other arrays.
   *
   * @param inputs `[batch, …]`, encoded
   * @param targets `[batch, size]`, as the objective has it: of a classifier one-hot or smoothed
   * @returns mean loss and what the network puts out, valid until the next step
   */
  async step(
    inputs: Float32Array,
    targets: Float32Array,
    learningRate: number,
  ): Promise<{ loss: number; outputs: Float32Array }> {
    this.rate[0] = learningRate;
    const feeds = new Map(this.current);
    feeds.set("input", inputs).set("targets", targets).set(LEARNING_RATE, this.rate);
    const results = await this.session.run(feeds, this.spare);
    for (const { name } of this.spec.buckets) this.exchange(name, updatedOf(name));
    moveRunningStatistics(this.state, this.spec.statistics, results);
    return { loss: results.get("loss")![0], outputs: results.get(OUTPUT)! };
  }

  /** A copy of the state as it stands, under PyTorch's names and layouts. */
  snapshot(): StateDict {
    return this.collect((name) => name);
  }

  /** A copy of the momentum buffers, under the parameters' names. */
  velocities(): StateDict {
    return this.collect(velocityOf, false);
  }

  release(): Promise<void> {
    return this.session.release();
  }

  private collect(nameOf: (bucket: string) => string, withBuffers = true): StateDict {
    const trained = new Map<string, Float32Array>();
    for (const { name, parts } of this.spec.buckets) {
      const all = this.current.get(nameOf(name))!;
      for (const { key, start, size } of parts) trained.set(key, all.subarray(start, start + size));
    }
    const copy: StateDict = new Map();
    for (const [key, { shape, data }] of this.state) {
      const values = trained.get(key);
      if (values) copy.set(key, { shape, data: shape.length === 4 ? toOihw(values, shape) : values.slice() });
      else if (withBuffers) copy.set(key, { shape, data: data.slice() });
    }
    return copy;
  }

  private exchange(input: string, output: string): void {
    const old = this.current.get(input)!;
    this.current.set(input, this.spare.get(output)!);
    this.spare.set(output, old);
  }
}
