import { flatScores, indexNeurons, neuronsAt, suspicionOrder, tellsNothing } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, type NeuronSet } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import { firstOf, indicesOutside, subset } from "../images/batch.ts";
import type { ImageSet } from "../images/image-set.ts";
import { shareInClass } from "../measure/classes.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { WeighedPatch } from "./reverse.ts";
import { stampPatch } from "./stamp.ts";
import type { ReversalSubject } from "./subject.ts";

/** A patch with less evidence is no backdoor's, and nothing is cut for it (docs/methods.md §10.13; docs/localizer.md says on what it was chosen). */
export const ENOUGH_EVIDENCE = 0.45;

/** The walk of docs/methods.md §10.13. */
const WALK = {
  /** Neurons that have been looked at after each step; beyond the last by this factor up to this share of all. */
  sizes: [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26],
  factor: 1.3,
  share: 0.04,
  /** Success of the patch at which it is dead. */
  dead: 0.03,
  /** What all cuts together may cost in clean accuracy; neurons that cost more are passed over. */
  mostLoss: 0.02,
  /** After that so much more is cut while it costs less than this. */
  margin: { share: 0.5, mostLoss: 0.01 },
  patched: 120,
  held: 300,
};

/** What was cut, or why nothing was. */
export interface Excision {
  neurons: NeuronSet;
  note: string;
}

/**
 * Cuts neurons in the order of their scores until a reversed patch is dead, as far as held clean images allow.
 *
 * @param scores of every neuron, higher = sooner; equal ones in the order of layers
 * @param most neurons that may be cut at most
 */
export async function exciseUntilDead(
  subject: ReversalSubject & { clean: { threshold: ImageSet } },
  scores: LayerScores,
  patch: WeighedPatch,
  most = Number.POSITIVE_INFINITY,
): Promise<Excision> {
  const { network, state, runner, clean } = subject;
  const index = indexNeurons(neuronLayers(network));
  const flat = flatScores(index, scores);
  if (tellsNothing(flat)) return { neurons: {}, note: "nothing cut: all neurons are as suspicious" };
  if (patch.evidence < ENOUGH_EVIDENCE) {
    return { neurons: {}, note: `nothing cut: no patch stands out (evidence ${patch.evidence.toFixed(2)})` };
  }
  const order = sparingOrder(suspicionOrder(flat), index.layers).slice(0, most);
  const others = stampPatch(patch, firstOf(subset(clean.fit, indicesOutside(clean.fit, patch.target)), WALK.patched));
  const held = firstOf(clean.threshold, WALK.held);
  const setOf = (cut: readonly number[]) => {
    const flags = new Uint8Array(index.size);
    for (const at of cut) flags[at] = 1;
    return neuronsAt(index, flags);
  };
  const whole = await runner.quality(state, held);
  const lossOf = async (cut: readonly number[]) =>
    whole - (await runner.quality(maskNeurons(network, state, setOf(cut)), held));
  const successOf = async (cut: readonly number[]) => {
    const outputs = await runner.outputs(maskNeurons(network, state, setOf(cut)), others);
    return shareInClass(outputs, others.count, patch.target);
  };
  const before = await successOf([]);
  let cut: number[] = [];
  let success = before;
  let looked = 0;
  for (const size of walkSizes(order.length, index.size)) {
    const longer = [...cut, ...order.slice(looked, size)];
    looked = size;
    if ((await lossOf(longer)) > WALK.mostLoss) continue;
    cut = longer;
    success = await successOf(cut);
    if (success <= WALK.dead) break;
  }
  if (cut.length > 0) cut = await withMargin(cut, order.slice(looked), lossOf);
  const neurons = setOf(cut);
  const rate = (share: number) => `${(100 * share).toFixed(0)} %`;
  const note =
    cut.length === 0
      ? `nothing cut: every neuron costs more than ${rate(WALK.mostLoss)} of clean accuracy`
      : `cut ${countNeurons(neurons)}: the patch towards class ${patch.target} works on ${rate(success)} of images, ${rate(before)} before`;
  return { neurons, note };
}

/** With as many of the next neurons, half as many again at most, as still cost little. */
async function withMargin(
  cut: readonly number[],
  next: readonly number[],
  lossOf: (cut: readonly number[]) => Promise<number>,
): Promise<number[]> {
  const most = Math.max(1, Math.round(WALK.margin.share * cut.length));
  for (let more = Math.min(most, next.length); more > 0; more--) {
    const longer = [...cut, ...next.slice(0, more)];
    if ((await lossOf(longer)) <= WALK.margin.mostLoss) return longer;
  }
  return [...cut];
}

function walkSizes(most: number, neurons: number): number[] {
  const sizes = [...WALK.sizes];
  for (;;) {
    const next = Math.ceil(sizes[sizes.length - 1] * WALK.factor);
    if (next > WALK.share * neurons) break;
    sizes.push(next);
  }
  return sizes.filter((size) => size <= most);
}

/** The same order without the last neuron of any layer: one without output ends the network. */
function sparingOrder(order: Int32Array, layers: readonly { width: number }[]): number[] {
  const layerOf: number[] = [];
  for (const [layer, { width }] of layers.entries()) for (let c = 0; c < width; c++) layerOf.push(layer);
  const left = layers.map(({ width }) => width);
  return Array.from(order).filter((at) => {
    if (left[layerOf[at]] === 1) return false;
    left[layerOf[at]]--;
    return true;
  });
}
