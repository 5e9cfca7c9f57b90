import type { NeuronSet } from "../core/neurons.ts";
import { LaidOutWeights, laysOut } from "../engine/laid-out.ts";
import { chooseLowering } from "../engine/lowering.ts";
import { Session } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import { type FoldedState, foldState } from "../graph/fold.ts";
import { foldedBias, foldedWeight, rowSelector } from "../graph/folded.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { convUnits, type Network, unitsOf } from "../graph/network.ts";
import type { Objective } from "../graph/objectives/objective.ts";
import { finetuneProgram } from "../graph/programs/finetune.ts";
import { chosenUnits, sliceOf, type Unit } from "../graph/units.ts";
import { fillSlice, readSlice, type Slice, writeSlice } from "../tensor/slices.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import { Adam } from "./adam.ts";
import { NeuronColumns, readerOf } from "./columns.ts";
import { OwnedSlices } from "./owned-slices.ts";
import { PlainRows } from "./plain-rows.ts";
import { NeuronRows } from "./rows.ts";
import { CONTINUED, SequenceSession } from "./sequence-session.ts";
import { type Optimizer, Sgd, type SgdSettings } from "./sgd.ts";
import type { TunedNeurons } from "./tuned-neurons.ts";

export interface TunerOptions {
  batch: number;
  threads: number;
  /** Whether filters, rows and columns keep their norms and |γ| never grows (style `discreet`). */
  restrained?: boolean;
  /** What is minimised, as a mean over the batch; cross-entropy where it is absent. */
  objective?: Objective;
  /** SGD with momentum in place of Adam. */
  sgd?: SgdSettings;
  /** What a sequence's own words count beside its answer, in the steps that name such sequences; none do where it is absent. */
  textWeight?: number;
}

/**
 * Fine-tuning of chosen neurons and nothing else (docs/methods.md §7.1): only θ of the neurons moves, batch norm runs
 * on its frozen statistics, the classifier is frozen but for columns that are a neuron's own, and gradient, moments and decay
 * exist for the chosen rows and columns alone, so everything else stays bit-identical by construction.
 */
export class SubnetworkTuner {
  private readonly session: Pick<Session, "program" | "run" | "release">;
  private readonly network: Network;
  private readonly state: StateDict;
  private readonly feeds: FoldedState;
  private readonly laidOut: LaidOutWeights;
  private readonly parts: TunedNeurons[];
  private readonly optimizers: Optimizer[];
  private readonly restrained: boolean;
  private readonly textWeight: number;
  private readonly counts: Float32Array;

  private constructor(
    session: Pick<Session, "program" | "run" | "release">,
    network: Network,
    state: StateDict,
    neurons: NeuronSet,
    { batch, restrained, sgd, textWeight }: TunerOptions,
  ) {
    this.session = session;
    this.network = network;
    this.state = state;
    this.restrained = restrained ?? false;
    this.counts = new Float32Array(batch);
    this.textWeight = textWeight ?? 0;
    this.feeds = foldState(network, state);
    const chosen = unitsWithNeurons(network, neurons);
    // What is fed as it is is the caller's: of that a copy is taken where a neuron has a share of it, since no other is ever written.
    const shared = new Set(unitsOf(network).flatMap(({ owned }) => owned.map(({ key }) => key)));
    for (const [key, { data }] of state) {
      if (shared.has(key) && this.feeds.get(key) === data) this.feeds.set(key, data.slice());
    }
    // Where a chosen neuron reads another one of the next layer, both own the weight between; the reader's row is written last.
    this.parts = [
      ...chosen.flatMap(({ unit, neurons }) =>
        readerOf(unit) && !network.input.tokens ? new NeuronColumns(network, unit, neurons, state) : [],
      ),
      ...chosen.map(({ unit, neurons }) => rowsOf(network, unit, neurons, state)),
    ];
    this.optimizers = this.parts.map(({ values: { length } }) => (sgd ? new Sgd(length, sgd) : new Adam(length)));
    for (const { unit, neurons } of chosen) {
      if (!isSelected(unit, neurons)) continue;
      const matrix = new Float32Array(neurons.length * unit.width);
      neurons.forEach((c, k) => {
        matrix[k * unit.width + c] = 1;
      });
      this.feeds.set(rowSelector(unit.id), matrix);
    }
    this.laidOut = new LaidOutWeights(session.program.laidOut ?? [], this.feeds);
  }

  /**
   * @param state the model to start from; it is not changed
   * @throws Error on a neuron that the network lacks
   */
  static async create(
    network: Network,
    state: StateDict,
    neurons: NeuronSet,
    options: TunerOptions,
  ): Promise<SubnetworkTuner> {
    const rows = new Map<string, number>();
    const readers = new Map<string, string>();
    for (const { unit, neurons: chosen } of unitsWithNeurons(network, neurons)) {
      rows.set(unit.id, isSelected(unit, chosen) ? chosen.length : unit.width);
      const reader = readerOf(unit);
      if (reader !== undefined && !network.input.tokens) readers.set(unit.id, reader);
    }
    if (network.input.tokens) {
      const { objective, textWeight = 0 } = options;
      const settings = { objective, continues: textWeight > 0 };
      const make = (part: Lowering, shorter: Network) => finetuneProgram(part, shorter, rows, settings);
      const session = await SequenceSession.open(network, options, make);
      return new SubnetworkTuner(session, network, state, neurons, options);
    }
    const lowering = await chooseLowering(network, options.batch);
    // Columns lie in all rows of their reader.
    if (readers.size === 0 && laysOut(lowering, network)) {
      const names = convUnits(network).flatMap(({ id }) => [foldedWeight(id), foldedBias(id), rowSelector(id)]);
      lowering.graph.layOut(new Set(names));
    }
    const program = finetuneProgram(lowering, network, rows, { objective: options.objective, readers });
    const session = await Session.open(program, {
      threads: options.threads,
      activationBytes: activationBytes(network, options.batch),
    });
    return new SubnetworkTuner(session, network, state, neurons, options);
  }

  /**
   * One step (Adam's, or SGD's where that was asked for) on a batch; images `[batch, C, H, W]` normalised, targets `[batch, classes]`
   * as the objective wants them, one-hot for cross-entropy. Returns the logits before the step, valid until the next.
   * @param silenced other neurons whose output is 0 in this step
   * @param continued places of the sequences whose own words count, too
   */
  async step(
    images: Float32Array,
    targets: Float32Array,
    learningRate: number,
    silenced: NeuronSet = {},
    continued: readonly number[] = [],
  ): Promise<Float32Array> {
    this.feeds.set("input", images).set("targets", targets);
    if (this.textWeight > 0) {
      this.counts.fill(0);
      for (const place of continued) this.counts[place] = this.textWeight;
      this.feeds.set(CONTINUED, this.counts);
    }
    const restore = this.silence(silenced);
    const results = await this.session.run(this.feeds);
    restore();
    this.parts.forEach((part, i) => {
      part.takeGradient(results, this.feeds.has(rowSelector(part.unit.id)));
      this.optimizers[i].step(part.values, part.gradient, learningRate);
      if (this.restrained) part.restrain();
    });
    for (const part of this.parts) part.writeFeeds(this.feeds);
    for (const { unit, channels } of this.parts) this.layOut(unit.id, channels);
    return results.get("logits")!;
  }

  /** Zeroes the folded rows of some neurons. @returns what puts them back */
  private silence(neurons: NeuronSet): () => void {
    if (this.network.input.tokens) return this.silenceSlices(neurons);
    const kept: [row: Float32Array, values: Float32Array][] = [];
    for (const [unit, channels] of Object.entries(neurons)) {
      for (const name of [foldedWeight(unit), foldedBias(unit)]) {
        for (const c of channels) {
          const row = this.row(name, unit, c);
          kept.push([row, row.slice()]);
          row.fill(0);
        }
      }
      this.layOut(unit, channels);
    }
    return () => {
      for (const [row, values] of kept) row.set(values);
      for (const [unit, channels] of Object.entries(neurons)) this.layOut(unit, channels);
    };
  }

  /** The same of neurons that the graph runs on as the state has them: without their weights their activation is 0. */
  private silenceSlices(neurons: NeuronSet): () => void {
    const kept: [slice: Slice, values: Float32Array][] = [];
    const fed = (key: string): StateDict => {
      return new Map([[key, { shape: tensorOf(this.state, key).shape, data: this.feeds.get(key)! }]]);
    };
    for (const { unit, neurons: silent } of chosenUnits(this.network, neurons)) {
      for (const share of unit.owned.filter(({ role }) => role === "weight" || role === "bias")) {
        const state = fed(share.key);
        for (const n of silent) {
          const slice = sliceOf(share, n);
          kept.push([slice, readSlice(state, slice)]);
          fillSlice(state, slice, 0);
        }
      }
    }
    return () => {
      for (const [slice, values] of kept) writeSlice(fed(slice.key), slice, values);
    };
  }

  /** What of folded weights or biases is one neuron's. */
  private row(name: string, unit: string, channel: number): Float32Array {
    const values = this.feeds.get(name)!;
    const size = values.length / this.feeds.get(foldedBias(unit))!.length;
    return values.subarray(channel * size, (channel + 1) * size);
  }

  /** Folded rows of some neurons have changed. */
  private layOut(unit: string, channels: readonly number[]): void {
    if (!this.session.program.laidOut) return;
    for (const name of [foldedWeight(unit), foldedBias(unit)]) {
      for (const c of channels) {
        const { length } = this.row(name, unit, c);
        this.laidOut.update(name, c * length, (c + 1) * length);
      }
    }
  }

  /** The tuned model: a copy of the original with only the neurons' own parameters changed. */
  tuned(): StateDict {
    const copy = cloneState(this.state);
    for (const part of this.parts) part.writeState(copy);
    return copy;
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

/** The units of which neurons are chosen, in the network's order. @throws Error on a neuron that the network lacks */
function unitsWithNeurons(network: Network, neurons: NeuronSet): { unit: Unit; neurons: number[] }[] {
  const place = new Map(network.nodes.map(({ id }, i) => [id, i]));
  return chosenUnits(network, neurons)
    .filter(({ neurons: chosen }) => chosen.length > 0)
    .sort((a, b) => place.get(a.unit.id)! - place.get(b.unit.id)!);
}

function rowsOf(network: Network, unit: Unit, neurons: number[], state: StateDict): TunedNeurons {
  if (network.input.tokens) return new OwnedSlices(unit, neurons, state);
  const node = network.nodes.find(({ id }) => id === unit.id)!;
  return node.op === "conv" ? new NeuronRows(node, neurons, state) : new PlainRows(unit, neurons, state);
}

/** Whether some rows of a unit are picked before their gradients are computed: picking most costs more than it saves. */
function isSelected({ width }: Pick<Unit, "width">, neurons: readonly number[]): boolean {
  return 2 * neurons.length <= width;
}
