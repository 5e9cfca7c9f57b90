import { chooseLowering } from "../engine/lowering.ts";
import { Session } from "../engine/session.ts";
import { toOhwi, toOihw } from "../graph/fold.ts";
import { classifierOf, type Network } from "../graph/network.ts";
import { squaredError } from "../graph/objectives/squared-error.ts";
import { gradientOf, type TrainProgram, trainProgram } from "../graph/programs/train.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import { Adam } from "./adam.ts";

/**
 * Trains a small network with a frozen linear head to give wanted numbers: squared error, batch statistics, Adam. The
 * optimizer runs on the host, which for a few thousand parameters costs nothing.
 */
export class Regressor {
  private readonly session: Session;
  private readonly state: StateDict;
  private readonly values: Map<string, Float32Array>;
  private readonly optimizers: Map<string, Adam>;

  private constructor(session: Session, spec: TrainProgram, state: StateDict) {
    this.session = session;
    this.state = state;
    this.values = new Map(
      [...spec.parameters.keys()].map((key) => {
        const tensor = tensorOf(state, key);
        return [key, tensor.shape.length === 4 ? toOhwi(tensor) : tensor.data.slice()];
      }),
    );
    this.optimizers = new Map([...spec.trained].map((key) => [key, new Adam(this.values.get(key)!.length)]));
  }

  /** @param state where training starts; it is not changed */
  static async create(
    network: Network,
    state: StateDict,
    options: { batch: number; threads: number },
  ): Promise<Regressor> {
    const head = `${classifierOf(network).id}.`;
    const spec = trainProgram(await chooseLowering(network, options.batch), network, {
      objective: squaredError,
      trains: (key) => !key.startsWith(head),
    });
    return new Regressor(await Session.open(spec.program, options), spec, state);
  }

  /**
   * One step.
   * @param images `[batch, C, H, W]`, normalised
   * @param targets wanted outputs `[batch, outputs]`; @param weights what each image counts, `[batch]`
   * @returns the loss: the weighted squared error's mean over the batch
   */
  async step(
    images: Float32Array,
    targets: Float32Array,
    weights: Float32Array,
    learningRate: number,
  ): Promise<number> {
    const feeds = new Map(this.values).set("input", images).set("targets", targets).set("weights", weights);
    const results = await this.session.run(feeds);
    for (const [key, optimizer] of this.optimizers) {
      optimizer.step(this.values.get(key)!, results.get(gradientOf(key))!, learningRate);
    }
    return results.get("loss")![0];
  }

  /** A copy of the state with the parameters as they stand; running statistics are those it started with. */
  snapshot(): StateDict {
    return new Map(
      [...this.state].map(([key, { shape, data }]) => {
        const values = this.values.get(key) ?? data;
        return [key, { shape, data: shape.length === 4 ? toOihw(values, shape) : values.slice() }];
      }),
    );
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
