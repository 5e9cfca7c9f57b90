import type { Samples } from "../../core/samples.ts";
import { foldState } from "../../graph/fold.ts";
import type { Lowering } from "../../graph/lowering/lowering.ts";
import { inputsOf, type Network, OUTPUT, outputsOf, unitsOf } from "../../graph/network.ts";
import { atPositions } from "../../graph/programs/language.ts";
import { featureOf, lastProgram, middleProgram } from "../../graph/programs/part.ts";
import { markOf, partsOf, positionsBehind, type SequencePart } from "../../graph/sequences.ts";
import { downstreamOf, partBetween } from "../../graph/suffix.ts";
import { sliceOf, type Unit, weightsOf } from "../../graph/units.ts";
import { readSlice } from "../../tensor/slices.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { encodeAll } from "../batches.ts";
import type { ModelRunner } from "../runner.ts";
import type { Runtime } from "../runtime.ts";
import type { OnRewritten, Rewrites } from "./rewrite.ts";

/** Sequences that are computed together, at most. */
const PART = 16;

/** A feed-forward unit whose weights are multiplied: its gate's row (of a plain unit its only one, without the bias), or what it writes with. */
export interface UnitScaling {
  unit: string;
  channel: number;
  weights: "read" | "written";
  factor: number;
}

/** Some of the samples as a shortened network reads them. */
interface Sequences extends SequencePart {
  network: Network;
  /** `[size · positions, channels]`; what no sequence fills is 0. */
  input: Float32Array;
  size: number;
  /** Where each sequence ends. */
  marks: number[];
}

/**
 * Scalings of feed-forward units by what follows them (docs/methods.md §10.10). All units of a layer read the same, so one pass with all of
 * the layer's rows scaled gives every unit's new activations; weights to write with scale them. Their change times what the unit writes
 * with is the change of the layer's output, and only what depends on that is run again.
 */
export class ScaledUnits implements Rewrites<UnitScaling> {
  private readonly runner: Runtime & Pick<ModelRunner, "outputs">;
  private readonly state: StateDict;
  private readonly samples: Samples;
  private readonly weights: ReadonlyMap<string, Float32Array>;

  constructor(runner: Runtime & Pick<ModelRunner, "outputs">, state: StateDict, samples: Samples) {
    this.runner = runner;
    this.state = state;
    this.samples = samples;
    this.weights = foldState(runner.network, state);
  }

  base(): Promise<Float32Array> {
    return this.runner.outputs(this.state, this.samples);
  }

  /** @throws Error where neurons write with no weights of their own */
  async run(scalings: readonly UnitScaling[], visit: OnRewritten): Promise<void> {
    if (this.samples.count === 0) return;
    const parts = this.parts();
    for (const unit of unitsOf(this.runner.network)) {
      const wanted = [...scalings.keys()].filter((i) => scalings[i].unit === unit.id);
      if (wanted.length === 0) continue;
      for (const part of parts) await this.runUnit(unit, part, scalings, wanted, visit);
    }
  }

  /** Short sequences first, in parts of about one size. */
  private parts(): Sequences[] {
    const { runner, samples } = this;
    const { channels, height } = runner.network.input;
    const inputs = encodeAll(runner, samples);
    const marks = Array.from({ length: samples.count }, (_, i) => markOf(inputs, i, height, channels));
    const size = Math.ceil(samples.count / Math.ceil(samples.count / PART));
    return partsOf(marks, runner.network, size).map(({ sequences, positions }) => {
      const input = new Float32Array(size * positions * channels);
      for (const [k, i] of sequences.entries()) {
        const start = i * height * channels;
        input.set(inputs.subarray(start, start + positions * channels), k * positions * channels);
      }
      const network = atPositions(runner.network, positions);
      return { sequences, positions, network, input, size, marks: sequences.map((i) => marks[i]) };
    });
  }

  private async runUnit(
    unit: Unit,
    part: Sequences,
    scalings: readonly UnitScaling[],
    wanted: readonly number[],
    visit: OnRewritten,
  ): Promise<void> {
    const { network, size, positions, sequences } = part;
    const outgoing = unit.owned.find(({ role }) => role === "outgoing");
    const reader = network.nodes.find((node) => inputsOf(node).includes(unit.id));
    if (!outgoing || !reader) throw new Error(`the neurons of '${unit.id}' write with no weights of their own`);
    const behind = downstreamOf(network, reader.id);
    const read = positionsBehind(network);
    const factors = new Set(wanted.flatMap((i) => (scalings[i].weights === "read" ? [scalings[i].factor] : [])));
    const { features, activations, scaled } = await this.unchanged(unit, reader.id, behind.reads, part, factors);
    const written = features.get(featureOf(reader.id))!;
    const changed = new Float32Array(written.length);
    const width = outputsOf(network);
    const make = (lowering: Lowering) => {
      lowering.graph.freeze(this.weights);
      return lastProgram(lowering, network, behind, { stored: true });
    };
    await this.runner.pool.lend(network, size, make, async (session) => {
      const feeds = new Map([...this.weights, ...features]).set(featureOf(reader.id), changed);
      for (const i of wanted) {
        const { channel, weights, factor } = scalings[i];
        const column = readSlice(this.state, sliceOf(outgoing, channel));
        const after = weights === "read" ? scaled.get(factor)! : activations;
        const times = weights === "read" ? 1 : factor;
        changed.set(written);
        const moved = sequences.map((_, k) => {
          let moves = false;
          for (let t = 0; t <= Math.min(positions - 1, part.marks[k] + read); t++) {
            const at = (k * positions + t) * unit.width + channel;
            const change = times * after[at] - activations[at];
            if (change === 0) continue;
            moves = true;
            const start = (k * positions + t) * column.length;
            for (let c = 0; c < column.length; c++) changed[start + c] += change * column[c];
          }
          return moves;
        });
        if (!moved.includes(true)) continue;
        const outputs = (await session.run(feeds)).get(OUTPUT)!;
        for (const [k, sample] of sequences.entries()) {
          if (moved[k]) visit(i, sample, outputs.subarray(k * width, (k + 1) * width));
        }
      }
    });
  }

  /** What the model as it is holds, and a layer's activations where all of its rows are scaled, by factor. */
  private async unchanged(
    unit: Unit,
    last: string,
    reads: readonly string[],
    { network, size, input }: Sequences,
    factors: ReadonlySet<number>,
  ) {
    const first = network.nodes[0].id;
    const wanted = [...new Set([unit.id, ...reads])].filter((id) => id !== first);
    const before = partBetween(network, first, last);
    const make = (lowering: Lowering) => middleProgram(lowering, network, before, wanted, { stored: true });
    return this.runner.pool.lend(network, size, make, async (session) => {
      const feeds = new Map(this.weights).set(featureOf(first), input);
      const found = await session.run(feeds);
      const features = new Map<string, Float32Array>(
        wanted.map((id) => [featureOf(id), found.get(featureOf(id))!.slice()]),
      );
      const activations = features.get(featureOf(unit.id))!;
      const { key } = weightsOf(unit);
      const scaled = new Map<number, Float32Array>();
      for (const factor of factors) {
        const weights = Float32Array.from(tensorOf(this.state, key).data, (weight) => factor * weight);
        feeds.set(key, weights);
        scaled.set(factor, (await session.run(feeds)).get(featureOf(unit.id))!.slice());
      }
      features.set(featureOf(first), input);
      return { features, activations, scaled };
    });
  }
}
