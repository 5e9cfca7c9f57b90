import type { LayerScores } from "../../core/neurons.ts";
import { channelFold } from "../../graph/fold.ts";
import { convUnits, type Network } from "../../graph/network.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { boundedZ } from "../normalise.ts";
import type { FeatureTable } from "./feature-table.ts";
import { sourcesOf } from "./readers.ts";

/** How sharply evidence picks neighbours. */
const SHARPNESS = 1.2;

/** Logarithms of gains are kept within so many standard deviations. */
const BOUND = 4;

/**
 * How strongly every neuron is tied to suspicious ones before and behind it (docs/methods.md §10.14): of each pair of units
 * that follow each other the double-centred log gain, times the softmax of the neighbour layer's evidence.
 */
export function addChainFeatures(
  table: FeatureTable,
  network: Network,
  state: StateDict,
  evidence: Readonly<Record<string, LayerScores>>,
): void {
  const gains = gainsOf(network, state);
  for (const [name, scores] of Object.entries(evidence)) {
    const soft = softmaxes(boundedZ(scores));
    const blank = () => new Map(convUnits(network).map(({ id, out }) => [id, new Float64Array(out)]));
    const [before, behind, readers] = [blank(), blank(), new Map<string, number>()];
    for (const { reader, unit, rows, columns, logs, pairs } of gains) {
      readers.set(unit, (readers.get(unit) ?? 0) + 1);
      for (let o = 0; o < rows; o++) {
        for (let c = 0; c < columns; c++) {
          const gain = logs[o * columns + c];
          before.get(reader)![o] += (gain * soft[unit][c]) / pairs;
          behind.get(unit)![c] += gain * soft[reader][o];
        }
      }
    }
    const listed = (sums: Map<string, Float64Array>, share: (id: string) => number): LayerScores =>
      Object.fromEntries([...sums].map(([id, values]) => [id, Array.from(values, (value) => value / share(id))]));
    table.addZ(
      `${name} before`,
      listed(before, () => 1),
    );
    table.addZ(
      `${name} behind`,
      listed(behind, (id) => Math.max(1, readers.get(id) ?? 0)),
    );
  }
}

interface PairGains {
  reader: string;
  unit: string;
  rows: number;
  columns: number;
  /** `[rows × columns]`, centred over rows and columns, in standard deviations. */
  logs: Float64Array;
  /** Runs that the reader reads. */
  pairs: number;
}

function gainsOf(network: Network, state: StateDict): PairGains[] {
  const sources = sourcesOf(network);
  return convUnits(network).flatMap((reader) => {
    const runs = sources.get(reader.id)!;
    const { shape, data } = tensorOf(state, `${reader.id}.weight`);
    const taps = data.length / (shape[0] * shape[1]);
    const factors = Array.from({ length: reader.out }, (_, c) => Math.abs(channelFold(state, reader, c).factor));
    return runs.map(({ unit, at, channels }): PairGains => {
      const logs = new Float64Array(reader.out * channels);
      for (let o = 0; o < reader.out; o++) {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let t = 0; t < taps; t++) sum += data[(o * shape[1] + at + c) * taps + t] ** 2;
          logs[o * channels + c] = Math.log(Math.sqrt(sum) * factors[o] + 1e-6);
        }
      }
      centre(logs, reader.out, channels);
      return { reader: reader.id, unit, rows: reader.out, columns: channels, logs, pairs: runs.length };
    });
  });
}

/** Takes out the means of rows and columns, and divides by what then is the standard deviation. */
function centre(values: Float64Array, rows: number, columns: number): void {
  const [byRow, byColumn] = [new Float64Array(rows), new Float64Array(columns)];
  let all = 0;
  for (let i = 0; i < values.length; i++) {
    byRow[Math.floor(i / columns)] += values[i] / columns;
    byColumn[i % columns] += values[i] / rows;
    all += values[i] / values.length;
  }
  for (let i = 0; i < values.length; i++) values[i] += all - byRow[Math.floor(i / columns)] - byColumn[i % columns];
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length) + 1e-9;
  for (let i = 0; i < values.length; i++) values[i] = Math.min(BOUND, Math.max(-BOUND, values[i] / deviation));
}

function softmaxes(evidence: LayerScores): LayerScores {
  return Object.fromEntries(
    Object.entries(evidence).map(([layer, values]) => {
      const weights = values.map((z) => Math.exp(SHARPNESS * Math.min(5, Math.max(-2, z))));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return [layer, weights.map((weight) => weight / sum)];
    }),
  );
}
