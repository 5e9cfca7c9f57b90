import type { NeuronSet } from "../core/neurons.ts";
import { countNeurons } from "../core/neurons.ts";

/** How a predicted set P agrees with a true set G (docs/methods.md §12.2). All values in [0, 1]. */
export interface SetAgreement {
  /** |G∩P| / |G∪P|; 1 when both are empty. */
  jaccard: number;
  /** |G∩P| / |P|; null when P is empty: nothing was named. */
  precision: number | null;
  /** |G∩P| / |G|; null when G is empty: nothing was to be found. */
  recall: number | null;
  /** 2|G∩P| / (|G|+|P|); 1 when both are empty. */
  f1: number;
}

/** |A∩B|. */
export function overlap(a: NeuronSet, b: NeuronSet): number {
  let shared = 0;
  for (const [layer, channels] of Object.entries(a)) {
    const others = new Set(b[layer]);
    shared += channels.filter((c) => others.has(c)).length;
  }
  return shared;
}

export function compareSets(truth: NeuronSet, predicted: NeuronSet): SetAgreement {
  const hits = overlap(truth, predicted);
  const [g, p] = [countNeurons(truth), countNeurons(predicted)];
  return {
    jaccard: g + p === 0 ? 1 : hits / (g + p - hits),
    precision: p === 0 ? null : hits / p,
    recall: g === 0 ? null : hits / g,
    f1: g + p === 0 ? 1 : (2 * hits) / (g + p),
  };
}
