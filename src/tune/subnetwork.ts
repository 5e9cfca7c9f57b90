import type { NeuronSet } from "../core/neurons.ts";
import { chooseLowering } from "../engine/lowering.ts";
import { Session } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import { type FoldedState, foldState } from "../graph/fold.ts";
import { foldedBias, foldedWeight, rowBiasGradient, rowSelector, rowWeightGradient } from "../graph/folded.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { finetuneProgram } from "../graph/programs/finetune.ts";
import { chosenUnits } from "../graph/units.ts";
import { cloneState, type StateDict } from "../tensor/state.ts";
import { Adam } from "./adam.ts";
import { NeuronRows } from "./rows.ts";
import { type Optimizer, Sgd, type SgdSettings } from "./sgd.ts";

export interface TunerOptions {
  batch: number;
  threads: number;
  /** Whether filters keep their norms and |γ| never grows (style `discreet`). */
  restrained?: boolean;
  /** SGD with momentum in place of Adam. */
  sgd?: SgdSettings;
}

/**
 * Fine-tuning of chosen neurons and nothing else (docs/methods.md §7.1): only θ of the neurons moves, batch norm runs
 * on its frozen statistics, the classifier is frozen, and gradient, moments and decay exist for the chosen rows alone,
 * so everything else stays bit-identical by construction.
 */
export class SubnetworkTuner {
  private readonly session: Session;
  private readonly state: StateDict;
  private readonly feeds: FoldedState;
  private readonly rows: NeuronRows[];
  private readonly optimizers: Optimizer[];
  private readonly restrained: boolean;

  private constructor(
    session: Session,
    network: Network,
    state: StateDict,
    neurons: NeuronSet,
    { restrained, sgd }: TunerOptions,
  ) {
    this.session = session;
    this.state = state;
    this.restrained = restrained ?? false;
    this.feeds = foldState(network, state);
    this.rows = convUnits(network)
      .filter((unit) => neurons[unit.id]?.length)
      .map((unit) => new NeuronRows(unit, neurons[unit.id], state));
    this.optimizers = this.rows.map(({ values: { length } }) => (sgd ? new Sgd(length, sgd) : new Adam(length)));
    for (const { unit, channels } of this.rows) {
      const selector = session.program.inputs.find(({ name }) => name === rowSelector(unit.id));
      if (!selector) continue;
      const matrix = new Float32Array((selector.shape[0] as number) * unit.out);
      channels.forEach((c, k) => {
        matrix[k * unit.out + c] = 1;
      });
      this.feeds.set(selector.name, matrix);
    }
  }

  /**
   * @param state the model to start from; it is not changed
   * @throws Error on a neuron that the network lacks, or that is none of a convolution with batch norm
   */
  static async create(
    network: Network,
    state: StateDict,
    neurons: NeuronSet,
    options: TunerOptions,
  ): Promise<SubnetworkTuner> {
    for (const { unit } of chosenUnits(network, neurons)) {
      if (unit.owned.some(({ role }) => role === "gain")) continue;
      throw new Error(`'${unit.id}' has no batch norm: fine-tuning knows neurons of normalised convolutions only`);
    }
    const lowering = await chooseLowering(network, options.batch);
    const rows = new Map<string, number>();
    for (const { id, out } of convUnits(network)) {
      const count = neurons[id]?.length ?? 0;
      // Picking most rows costs more than it saves.
      if (count > 0) rows.set(id, 2 * count <= out ? count : out);
    }
    const session = await Session.open(finetuneProgram(lowering, network, rows), {
      threads: options.threads,
      activationBytes: activationBytes(network, options.batch),
    });
    return new SubnetworkTuner(session, network, state, neurons, options);
  }

  /**
   * One step (Adam's, or SGD's where that was asked for) on a batch; images `[batch, C, H, W]` normalised, targets `[batch, classes]` one-hot. Returns the logits
   * before the step, valid until the next.
   * @param silenced other neurons whose output is 0 in this step
   */
  async step(
    images: Float32Array,
    targets: Float32Array,
    learningRate: number,
    silenced: NeuronSet = {},
  ): Promise<Float32Array> {
    this.feeds.set("input", images).set("targets", targets);
    const restore = this.silence(silenced);
    const results = await this.session.run(this.feeds);
    restore();
    this.rows.forEach((rows, i) => {
      const { unit } = rows;
      const weight = results.get(rowWeightGradient(unit.id))!;
      const bias = results.get(rowBiasGradient(unit.id))!;
      rows.takeGradient(weight, bias, this.feeds.has(rowSelector(unit.id)));
      this.optimizers[i].step(rows.values, rows.gradient, learningRate);
      if (this.restrained) rows.restrain();
      rows.writeFolded(this.feeds.get(foldedWeight(unit.id))!, this.feeds.get(foldedBias(unit.id))!);
    });
    return results.get("logits")!;
  }

  /** Zeroes the folded rows of some neurons. @returns what puts them back */
  private silence(neurons: NeuronSet): () => void {
    const kept: [row: Float32Array, values: Float32Array][] = [];
    for (const [unit, channels] of Object.entries(neurons)) {
      for (const values of [this.feeds.get(foldedWeight(unit))!, this.feeds.get(foldedBias(unit))!]) {
        const size = values.length / this.feeds.get(foldedBias(unit))!.length;
        for (const c of channels) {
          const row = values.subarray(c * size, (c + 1) * size);
          kept.push([row, row.slice()]);
          row.fill(0);
        }
      }
    }
    return () => {
      for (const [row, values] of kept) row.set(values);
    };
  }

  /** The tuned model: a copy of the original with only the neurons' own parameters changed. */
  tuned(): StateDict {
    const copy = cloneState(this.state);
    for (const rows of this.rows) rows.writeState(copy);
    return copy;
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
