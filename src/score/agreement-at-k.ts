import { membership, type NeuronIndex, tellsNothing } from "../core/neuron-index.ts";
import { countNeurons, type NeuronSet } from "../core/neurons.ts";
import type { Quota } from "./topk.ts";
import type { Contributions } from "./wji.ts";

/** How the k most suspicious neurons agree with the truth. Fields as in `SetAgreement`, in expectation. */
export interface AgreementAtK {
  /** How many are named: the truth's size, or 0 where the scores tell nothing. */
  k: number;
  wji: number;
  jaccard: number;
  /** Null where nothing is named. */
  precision: number | null;
  recall: number;
  f1: number;
}

/** Of `size` neurons with the same score, `positives` of them true and weighing `weight` together, `taken` are named. */
interface Lot {
  size: number;
  positives: number;
  weight: number;
  taken: number;
}

/**
 * What a number of draws brings: `chance[h]` of h true neurons, and `weight[h]` = the expected weight of the true ones,
 * counted only where there are h of them (so that it sums to the expected weight).
 */
interface Draws {
  chance: Float64Array;
  weight: Float64Array;
}

/**
 * WJI, Jaccard and their like of P_k (docs/methods.md §12.5): the k most suspicious neurons, k = size of the truth,
 * over the network or layer by layer. A tie that the cut goes through is broken at random, and the value is the exact
 * expectation over all orders (docs/methods.md §1.3: metrics average over ties), as in `ranking.ts`: which of equal
 * neurons comes first is nothing that a criterion said, and the layers' order must earn nothing. Where all neurons of
 * the network score the same, nothing is named: k = 0 and WJI 0, which is less than guessing (docs/methods.md §12.5).
 *
 * @param flat scores `[N]`, higher = more suspicious. @param truth at least one neuron
 * @param contribution aligned with `truth`. @throws Error where it is not
 */
export function agreementAtK(
  index: NeuronIndex,
  flat: Float64Array,
  truth: NeuronSet,
  contribution: Contributions,
  quota: Quota,
): AgreementAtK {
  const g = countNeurons(truth);
  if (tellsNothing(flat)) return { k: 0, wji: 0, jaccard: 0, precision: null, recall: 0, f1: 0 };
  const flags = membership(index, truth);
  const weights = weightsOf(index, truth, contribution);
  const parts =
    quota === "global"
      ? [{ from: 0, to: index.size, count: g }]
      : index.layers.map(({ name, width }) => {
          const from = index.offsets.get(name)!;
          return { from, to: from + width, count: truth[name]?.length ?? 0 };
        });
  let draws: Draws = { chance: Float64Array.of(1), weight: Float64Array.of(0) };
  for (const { from, to, count } of parts) {
    for (const lot of lotsOf(flat, flags, weights, from, to, count)) draws = together(draws, drawsOf(lot));
  }
  // Each layer has at least as many neurons as true ones, so that k are named.
  let [wji, jaccard, hits] = [0, 0, 0];
  draws.chance.forEach((chance, h) => {
    wji += draws.weight[h] / (g + g - h);
    jaccard += (chance * h) / (g + g - h);
    hits += chance * h;
  });
  return { k: g, wji: Math.min(1, wji), jaccard, precision: hits / g, recall: hits / g, f1: hits / g };
}

/** `wji-v1`'s weights `|G|·c/Σc` `[N]`, c clipped at 0; all 1 where their sum is 0. */
function weightsOf(index: NeuronIndex, truth: NeuronSet, contribution: Contributions): Float64Array {
  const weights = new Float64Array(index.size);
  let sum = 0;
  for (const [layer, channels] of Object.entries(truth)) {
    const c = contribution[layer];
    if (c?.length !== channels.length) throw new Error(`contributions of layer '${layer}' do not match its neurons`);
    channels.forEach((channel, i) => {
      const weight = Math.max(0, c[i]);
      weights[index.offsets.get(layer)! + channel] = weight;
      sum += weight;
    });
  }
  const g = countNeurons(truth);
  if (sum > 0) return weights.map((weight) => (g * weight) / sum);
  return Float64Array.from(membership(index, truth));
}

/** What is named of the neurons from `from` up to `to`: those above the tie at the cut as one lot, of that tie a part. */
function lotsOf(
  flat: Float64Array,
  flags: Uint8Array,
  weights: Float64Array,
  from: number,
  to: number,
  count: number,
): Lot[] {
  if (count === 0) return [];
  const cut = flat.slice(from, to).sort()[to - from - count];
  const above: Lot = { size: 0, positives: 0, weight: 0, taken: 0 };
  const tied: Lot = { size: 0, positives: 0, weight: 0, taken: 0 };
  for (let at = from; at < to; at++) {
    if (flat[at] < cut) continue;
    const lot = flat[at] > cut ? above : tied;
    lot.size++;
    lot.positives += flags[at];
    lot.weight += weights[at];
  }
  above.taken = above.size;
  tied.taken = count - above.size;
  return [above, tied];
}

/** Hypergeometric: each of the lot's neurons is as likely to be taken as any other. */
function drawsOf({ size, positives, weight, taken }: Lot): Draws {
  const least = Math.max(0, taken - (size - positives));
  const most = Math.min(taken, positives);
  const chance = new Float64Array(most + 1);
  // Relative to the first, scaled at the end: binomials of thousands would overflow.
  let [term, sum] = [1, 0];
  for (let h = least; h <= most; h++) {
    chance[h] = term;
    sum += term;
    term *= ((positives - h) * (taken - h)) / ((h + 1) * (size - positives - taken + h + 1));
    if (sum > 1e200) {
      for (let i = least; i <= h; i++) chance[i] /= sum;
      term /= sum;
      sum = 1;
    }
  }
  for (let h = least; h <= most; h++) chance[h] /= sum;
  return { chance, weight: chance.map((p, h) => (h === 0 ? 0 : (p * h * weight) / positives)) };
}

/** Of two independent draws: hits add up, and so do weights. */
function together(a: Draws, b: Draws): Draws {
  const size = a.chance.length + b.chance.length - 1;
  const [chance, weight] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < a.chance.length; i++) {
    if (a.chance[i] === 0) continue;
    for (let j = 0; j < b.chance.length; j++) {
      chance[i + j] += a.chance[i] * b.chance[j];
      weight[i + j] += a.weight[i] * b.chance[j] + a.chance[i] * b.weight[j];
    }
  }
  return { chance, weight };
}
