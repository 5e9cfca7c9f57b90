import type { LayerScores } from "../../core/neurons.ts";
import { median } from "../../core/statistics.ts";
import { channelFold } from "../../graph/fold.ts";
import { type ConvUnit, convUnits, type Network } from "../../graph/network.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { safeLog } from "../filters.ts";
import { spectralNorms } from "../spectral-norm.ts";
import type { FeatureTable } from "./feature-table.ts";
import { sourcesOf } from "./readers.ts";

/** One number of a filter. */
type FilterNumber = (filter: Float32Array, unit: ConvUnit) => number;

const square = (values: ArrayLike<number>) => Array.from(values).reduce((sum, w) => sum + w * w, 0);
const rms = (filter: Float32Array) => Math.sqrt(square(filter) / filter.length) + 1e-9;

/** Shape of the filter as it lies in the checkpoint. */
const SHAPES: Record<string, FilterNumber> = {
  norm: (filter) => safeLog(Math.sqrt(square(filter))),
  floor: (filter) => safeLog(median(filter.map(Math.abs))),
  evenness: (filter) => Math.log(median(filter.map(Math.abs)) / rms(filter) + 1e-9),
  peak: (filter) => filter.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / rms(filter),
  kurtosis: (filter) => {
    const scale = rms(filter);
    return safeLog(filter.reduce((sum, w) => sum + (w / scale) ** 4, 0) / filter.length);
  },
  sum: (filter) => filter.reduce((sum, w) => sum + w, 0) / (rms(filter) * filter.length),
  "entropy of inputs": (filter, { kernel }) => {
    const taps = kernel * kernel;
    const inputs = filter.length / taps;
    return (
      entropy(Array.from({ length: inputs }, (_, i) => square(filter.subarray(i * taps, (i + 1) * taps)))) -
      Math.log(inputs)
    );
  },
  "entropy of places": (filter, { kernel }) => {
    const taps = kernel * kernel;
    const sums = new Array<number>(taps).fill(0);
    for (let i = 0; i < filter.length; i++) sums[i % taps] += filter[i] ** 2;
    return entropy(sums);
  },
};

function entropy(masses: readonly number[]): number {
  // Of one mass it is 0; rounding would tell the neurons of a 1×1 convolution apart.
  if (masses.length === 1) return 0;
  const sum = masses.reduce((total, mass) => total + mass, 0) + 1e-12;
  return -masses.reduce((total, mass) => total + (mass / sum) * Math.log(mass / sum + 1e-12), 0);
}

/** The log of each folded filter's spectral norm and L2 norm: what it can amplify, and what it weighs. */
export interface FoldedNorms {
  spectral: LayerScores;
  weight: LayerScores;
}

/** What the weights alone say of every neuron (docs/methods.md §10.14). */
export function addFilterFeatures(table: FeatureTable, network: Network, state: StateDict): FoldedNorms {
  const units = convUnits(network);
  const per = (of: (unit: ConvUnit, filter: Float32Array, c: number) => number): LayerScores =>
    Object.fromEntries(
      units.map((unit) => {
        const { data } = tensorOf(state, `${unit.id}.weight`);
        const row = data.length / unit.out;
        return [
          unit.id,
          Array.from({ length: unit.out }, (_, c) => of(unit, data.subarray(c * row, (c + 1) * row), c)),
        ];
      }),
    );
  const folds = new Map(
    units.map((unit) => [unit.id, Array.from({ length: unit.out }, (_, c) => channelFold(state, unit, c))]),
  );
  const factorOf = (unit: ConvUnit, c: number) => Math.abs(folds.get(unit.id)![c].factor);
  const largest = new Map(
    units.map(({ id, out, kernel }) => [id, spectralNorms(tensorOf(state, `${id}.weight`).data, out, kernel * kernel)]),
  );
  const spectral = per((unit, _, c) => safeLog(largest.get(unit.id)![c] * factorOf(unit, c)));
  const weight = per((unit, filter, c) => safeLog(Math.sqrt(square(filter)) * factorOf(unit, c)));
  table.addZ("spectral norm", spectral);
  table.addZ("folded norm", weight);
  table.addZ(
    "concentration",
    Object.fromEntries(units.map(({ id }) => [id, spectral[id].map((s, c) => s - weight[id][c])])),
  );
  for (const [name, of] of Object.entries(SHAPES))
    table.addZ(
      `filter ${name}`,
      per((unit, filter) => of(filter, unit)),
    );
  const bn = (unit: ConvUnit, part: string, c: number) => tensorOf(state, `${unit.bn}.${part}`).data[c];
  table.addZ(
    "gain of batch norm",
    per((unit, _, c) => Math.abs(bn(unit, "weight", c))),
  );
  table.addZ(
    "shift of batch norm",
    per((unit, _, c) => bn(unit, "bias", c)),
  );
  table.addZ(
    "shift by gain",
    per((unit, _, c) => bn(unit, "bias", c) / (Math.abs(bn(unit, "weight", c)) + 1e-3)),
  );
  table.addZ(
    "folded bias",
    per((unit, _, c) => folds.get(unit.id)![c].shift),
  );
  table.addZ(
    "folded gain",
    per((unit, _, c) => safeLog(factorOf(unit, c))),
  );
  const peers = new Map(units.map((unit) => [unit.id, likeness(tensorOf(state, `${unit.id}.weight`).data, unit.out)]));
  table.addZ(
    "likest peer",
    per((unit, _, c) => peers.get(unit.id)!.most[c]),
  );
  table.addZ(
    "likeness",
    per((unit, _, c) => safeLog(peers.get(unit.id)!.square[c])),
  );
  table.addZ("weight of readers", readersWeight(network, state));
  return { spectral, weight };
}

/** Largest and mean squared cosine of every filter with the others of its layer. */
function likeness(data: Float32Array, out: number): { most: Float64Array; square: Float64Array } {
  const row = data.length / out;
  const norms = Array.from({ length: out }, (_, c) => Math.sqrt(square(data.subarray(c * row, (c + 1) * row))) + 1e-9);
  const [most, squares] = [new Float64Array(out), new Float64Array(out)];
  for (let a = 0; a < out; a++) {
    for (let b = a + 1; b < out; b++) {
      let dot = 0;
      for (let i = 0; i < row; i++) dot += data[a * row + i] * data[b * row + i];
      const cosine = Math.abs(dot / (norms[a] * norms[b]));
      for (const c of [a, b]) {
        most[c] = Math.max(most[c], cosine);
        squares[c] += cosine ** 2 / out;
      }
    }
  }
  return { most, square: squares };
}

/** Log of the L2 norm of all weights that read a channel. */
function readersWeight(network: Network, state: StateDict): LayerScores {
  const sums = new Map(convUnits(network).map(({ id, out }) => [id, new Array<number>(out).fill(0)]));
  for (const [reader, runs] of sourcesOf(network)) {
    const { shape, data } = tensorOf(state, `${reader}.weight`);
    const taps = data.length / (shape[0] * shape[1]);
    for (const { unit, at, channels } of runs) {
      for (let o = 0; o < shape[0]; o++) {
        for (let c = 0; c < channels; c++) {
          const start = (o * shape[1] + at + c) * taps;
          for (let t = start; t < start + taps; t++) sums.get(unit)![c] += data[t] ** 2;
        }
      }
    }
  }
  return Object.fromEntries([...sums].map(([id, values]) => [id, values.map((sum) => 0.5 * safeLog(sum))]));
}
