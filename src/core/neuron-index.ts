import type { LayerScores, LayerWidth, NeuronSet } from "./neurons.ts";

/** The neurons of a network in one line: layers in order, channels in order (docs/methods.md §1.3). */
export interface NeuronIndex {
  layers: LayerWidth[];
  /** Position of each layer's channel 0. */
  offsets: Map<string, number>;
  /** N, all neurons. */
  size: number;
}

export function indexNeurons(layers: LayerWidth[]): NeuronIndex {
  const offsets = new Map<string, number>();
  let size = 0;
  for (const { name, width } of layers) {
    offsets.set(name, size);
    size += width;
  }
  return { layers, offsets, size };
}

/** Scores as one array of N. @throws Error where a layer is absent, has another width, or holds a non-finite number. */
export function flatScores(index: NeuronIndex, scores: LayerScores): Float64Array {
  const flat = new Float64Array(index.size);
  for (const { name, width } of index.layers) {
    const values = scores[name];
    if (values?.length !== width) throw new Error(`layer '${name}' has ${values?.length ?? 0} scores, not ${width}`);
    if (!values.every(Number.isFinite)) throw new Error(`layer '${name}' has a score that is not a finite number`);
    flat.set(values, index.offsets.get(name)!);
  }
  return flat;
}

/** The inverse of {@link flatScores}. */
export function layerScores(index: NeuronIndex, flat: ArrayLike<number>): LayerScores {
  return Object.fromEntries(
    index.layers.map(({ name, width }) => {
      const start = index.offsets.get(name)!;
      return [name, Array.from({ length: width }, (_, c) => flat[start + c])];
    }),
  );
}

/** Membership of a set: 1 at its neurons, else 0. @throws Error on a neuron that the network lacks. */
export function membership(index: NeuronIndex, set: NeuronSet): Uint8Array {
  const flags = new Uint8Array(index.size);
  const widths = new Map(index.layers.map(({ name, width }) => [name, width]));
  for (const [layer, channels] of Object.entries(set)) {
    for (const c of channels) {
      if (!(c >= 0 && c < (widths.get(layer) ?? 0))) throw new Error(`the network has no neuron ${layer}:${c}`);
      flags[index.offsets.get(layer)! + c] = 1;
    }
  }
  return flags;
}

/** The set that a membership array stands for, layers in order, channels ascending. */
export function neuronsAt(index: NeuronIndex, flags: ArrayLike<number>): NeuronSet {
  const set: NeuronSet = {};
  for (const { name, width } of index.layers) {
    const start = index.offsets.get(name)!;
    for (let c = 0; c < width; c++) {
      if (!flags[start + c]) continue;
      set[name] ??= [];
      set[name].push(c);
    }
  }
  return set;
}

/** All neurons that are not in a set. */
export function neuronsOutside(index: NeuronIndex, set: NeuronSet): NeuronSet {
  return neuronsAt(
    index,
    membership(index, set).map((isIn) => 1 - isIn),
  );
}

/**
 * Positions from most to least suspicious, where an order must be forced: by score, ties by layer order, then channel
 * index (docs/methods.md §1.3).
 */
export function suspicionOrder(flat: Float64Array): Int32Array {
  return Int32Array.from(flat, (_, at) => at).sort((a, b) => flat[b] - flat[a] || a - b);
}

/** Whether all neurons score the same: such scores tell none from another, so no neuron is named by them. */
export function tellsNothing(flat: ArrayLike<number>): boolean {
  for (let i = 1; i < flat.length; i++) if (flat[i] !== flat[0]) return false;
  return true;
}

/** The k most suspicious neurons of the network in the forced order; none where all score the same. */
export function topK(index: NeuronIndex, scores: LayerScores, k: number): NeuronSet {
  const flat = flatScores(index, scores);
  const flags = new Uint8Array(index.size);
  if (!tellsNothing(flat)) for (const at of suspicionOrder(flat).subarray(0, k)) flags[at] = 1;
  return neuronsAt(index, flags);
}
