import {
  flatScores,
  indexNeurons,
  membership,
  type NeuronIndex,
  neuronsAt,
  suspicionOrder,
} from "../core/neuron-index.ts";
import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import type { ImageSet } from "../images/image-set.ts";
import { maskNeurons } from "../measure/mask.ts";
import type { ReversalSubject } from "../reversal/subject.ts";
import type { ReversedPatch } from "../reversal/targeted.ts";
import { DEAD, isTooDear, looks, SPARED } from "./look.ts";

/** How neurons are chosen (docs/methods.md §11.4). */
const CUTTING = {
  /** What a cut must take at least of the patch's pull that is left. */
  least: 0.05,
  /** Neurons that are looked at anew before each cut, more only where none of them may be cut. */
  anew: 8,
};

/** What is cut, and what a patch still does. */
export interface Cut {
  /** Also those that were cut already. */
  neurons: NeuronSet;
  /** Share of images that go to the patch's class with it on them, in the whole model and in the end. */
  before: number;
  success: number;
}

/** A neuron that may be cut, and how much that took of the pull for what it cost, when it was looked at last. */
interface Candidate {
  at: number;
  worth: number;
  /** Whether it could be cut then. */
  fits: boolean;
  /** How many neurons were cut when it was looked at. */
  when: number;
}

/**
 * Cuts neurons one at a time until a reversed patch is dead: of the most suspicious ones always the neuron that takes most of the patch's pull for what it
 * costs on held clean images. A neuron's worth seldom grows when others are cut, so before each cut those are looked at anew that led
 * when they were looked at last.
 *
 * @param scores of every neuron, higher = sooner tried; equal ones in the order of layers
 * @param among how many of the most suspicious neurons are tried
 * @param already what is cut to begin with; what that cost does not count
 */
export async function cutUntilDead(
  subject: ReversalSubject & { clean: { threshold: ImageSet } },
  scores: LayerScores,
  patch: ReversedPatch,
  among: number,
  already: NeuronSet,
): Promise<Cut> {
  const { network, state } = subject;
  const index = indexNeurons(neuronLayers(network));
  const lookAt = looks(subject, patch);
  const look = (places: readonly number[]) => lookAt(maskNeurons(network, state, setOf(index, places)));
  const isGone = membership(index, already);
  const tried = suspicionOrder(flatScores(index, scores)).subarray(0, among);
  const left = Array.from(tried)
    .filter((at) => !isGone[at])
    .map((at): Candidate => ({ at, worth: Number.POSITIVE_INFINITY, fits: false, when: -1 }));
  const cut = Array.from(isGone.keys()).filter((at) => isGone[at]);
  const whole = await look([]);
  const first = cut.length === 0 ? whole : await look(cut);
  let now = first;
  while (now.success > DEAD) {
    const best = await bestOf(left, cut, async (at) => {
      const next = await look([...cut, at]);
      const [taken, costs] = [1 - next.pull / now.pull, Math.max(0, next.loss - now.loss)];
      const fits = taken >= CUTTING.least && !isTooDear(first, next) && !isLastOfLayer(index, cut, at);
      return { worth: taken / (costs + SPARED), fits };
    });
    if (!best) break;
    left.splice(left.indexOf(best), 1);
    cut.push(best.at);
    now = await look(cut);
  }
  return { neurons: setOf(index, cut), before: whole.success, success: now.success };
}

/** Of the neurons that may be cut now the one that is worth most, as far as those were looked at that led before; undefined: there is none. */
async function bestOf(
  left: Candidate[],
  cut: readonly number[],
  look: (at: number) => Promise<Pick<Candidate, "worth" | "fits">>,
): Promise<Candidate | undefined> {
  const isFresh = ({ when }: Candidate) => when === cut.length;
  for (let anew = 0; ; ) {
    left.sort((a, b) => b.worth - a.worth);
    const first = left.find((one) => !isFresh(one) || one.fits);
    if (!first || isFresh(first)) return first;
    // Those that were never looked at come first, for nobody knows what they are worth.
    if (first.when >= 0 && ++anew > CUTTING.anew && left.some((one) => isFresh(one) && one.fits)) break;
    Object.assign(first, await look(first.at), { when: cut.length });
  }
  return left.find((one) => isFresh(one) && one.fits);
}

function setOf(index: NeuronIndex, places: readonly number[]): NeuronSet {
  const flags = new Uint8Array(index.size);
  for (const at of places) flags[at] = 1;
  return neuronsAt(index, flags);
}

/** Whether a layer would be left without a neuron, which would end the network. */
function isLastOfLayer({ layers, offsets }: NeuronIndex, cut: readonly number[], at: number): boolean {
  const layer = layers.find(({ name, width }) => at < offsets.get(name)! + width)!;
  const from = offsets.get(layer.name)!;
  return cut.filter((other) => other >= from && other < from + layer.width).length === layer.width - 1;
}
