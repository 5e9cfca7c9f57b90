import type { Arrays } from "../engine/session.ts";
import { columnGradient, foldedWeight } from "../graph/folded.ts";
import { classifierOf, type Network } from "../graph/network.ts";
import type { Unit } from "../graph/units.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import { NormKeeper } from "./norm-keeper.ts";
import type { TunedNeurons } from "./tuned-neurons.ts";

const WEIGHT = ".weight";

/** The linear layer whose columns a unit's neurons own, if they own any. */
export function readerOf({ owned }: Unit): string | undefined {
  return owned.find(({ role }) => role === "outgoing")?.key.slice(0, -WEIGHT.length);
}

/** The columns with which the next linear layer reads some neurons of a hidden unit, column after column: `[outputs]` each. */
export class NeuronColumns implements TunedNeurons {
  readonly unit: Unit;
  readonly channels: readonly number[];
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  /** The reader's weights `[outputs, width]` in the state, and in the feeds. */
  private readonly key: string;
  private readonly feed: string;
  private readonly outputs: number;
  private readonly norms: NormKeeper;

  /** @throws Error where the unit's neurons own no columns */
  constructor(network: Network, unit: Unit, channels: readonly number[], state: StateDict) {
    const reader = readerOf(unit);
    if (reader === undefined) throw new Error(`the neurons of '${unit.id}' own no columns`);
    this.unit = unit;
    this.channels = channels;
    this.key = reader + WEIGHT;
    this.feed = reader === classifierOf(network).id ? this.key : foldedWeight(reader);
    const { shape, data } = tensorOf(state, this.key);
    const outputs = shape[0];
    this.outputs = outputs;
    this.values = new Float32Array(channels.length * outputs);
    this.gradient = new Float32Array(this.values.length);
    channels.forEach((c, k) => {
      for (let o = 0; o < outputs; o++) this.values[k * outputs + o] = data[o * unit.width + c];
    });
    this.norms = new NormKeeper(channels.map((_, k) => this.values.subarray(k * outputs, (k + 1) * outputs)));
  }

  takeGradient(results: Arrays, isSelected: boolean): void {
    const { outputs, gradient } = this;
    const columns = results.get(columnGradient(this.unit.id))!;
    this.channels.forEach((c, k) => {
      const row = isSelected ? k : c;
      gradient.set(columns.subarray(row * outputs, (row + 1) * outputs), k * outputs);
    });
  }

  restrain(): void {
    this.norms.restore();
  }

  writeFeeds(feeds: ReadonlyMap<string, Float32Array>): void {
    this.writeInto(feeds.get(this.feed)!);
  }

  writeState(state: StateDict): void {
    this.writeInto(tensorOf(state, this.key).data);
  }

  private writeInto(weight: Float32Array): void {
    const { channels, outputs, unit, values } = this;
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < channels.length; k++) weight[o * unit.width + channels[k]] = values[k * outputs + o];
    }
  }
}
