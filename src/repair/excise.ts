import { flatScores, indexNeurons, layerScores, membership, tellsNothing } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, listNeurons, type NeuronSet, parseNeurons } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import type { Suspect } from "../localize/types.ts";
import { maskNeurons } from "../measure/mask.ts";
import { ENOUGH_EVIDENCE } from "../reversal/excision.ts";
import { reversePatch } from "../reversal/reverse.ts";
import { withImages } from "../reversal/subject.ts";
import { cutUntilDead } from "./cutting.ts";
import { dispensable } from "./dispensable.ts";
import { isTooDear, looks } from "./look.ts";
import { settle } from "./settling.ts";
import type { RankedRepair, Repair } from "./types.ts";
import { unlearnPatch } from "./unlearning.ts";

/** The most suspicious neurons are tried: so many, and of large networks this share of all. */
const TRIED = { least: 32, share: 0.04 };

/** What dispensable neurons may cost before what is left settles: where a criterion names neurons or a patch stands out, and where nothing speaks for a backdoor. */
const SPENDING = { infected: { each: 0.02, all: 0.1 }, otherwise: { each: 0, all: 0, harm: 0.04 } };

/** Success from which on a patch that was cut is unlearned besides. */
const SURVIVES = 0.1;

/** Success that unlearning must leave at most, as a share of what it was. */
const LEFT = 0.5;

/**
 * Of the neurons that a criterion finds suspicious those are cut that clean images do without, then those that a patch needs which was reversed from the
 * model, until it is dead. What is left settles on clean images (docs/methods.md §11.4). How many are cut, the images and the patch decide, and not how many
 * the criterion names.
 */
export const excise: Repair = {
  name: "excise",
  title: "Cutting what is suspicious and dispensable, until the reversed patch is dead",
  source: "this project",
  needs: ["pixels", "classes"],
  revision: 4,
  repair: async (suspect, neurons, scores) => (await byRanking(suspect, neurons, scores)).state,
  repairByRanking: byRanking,
};

/** @param scores absent: the named neurons are tried and no others */
async function byRanking(suspect: Suspect, neurons: NeuronSet, scores?: LayerScores): Promise<RankedRepair> {
  const { network, state } = suspect;
  const without = (cut: NeuronSet) => maskNeurons(network, state, cut);
  const nothing = (why: string) => ({ state: without({}), neurons: {}, note: `nothing cut: ${why}` });
  const index = indexNeurons(neuronLayers(network));
  const named = countNeurons(neurons);
  if (!scores && named === 0) return nothing("no neuron is named");
  if (scores && tellsNothing(flatScores(index, scores))) return nothing("all neurons are as suspicious");
  const subject = withImages(suspect);
  const order = scores ?? layerScores(index, membership(index, neurons));
  const among = scores ? Math.max(TRIED.least, Math.ceil(TRIED.share * index.size)) : named;
  const { patch } = await reversePatch(subject);
  const standsOut = patch.evidence >= ENOUGH_EVIDENCE;
  const spending = named > 0 || standsOut ? SPENDING.infected : SPENDING.otherwise;
  const spared = await dispensable(subject, order, among, spending);
  if (!standsOut) {
    const about = `no patch stands out (evidence ${patch.evidence.toFixed(2)})`;
    const count = countNeurons(spared);
    if (count === 0) return nothing(`${about}, and clean images need what was tried`);
    const settled = await settle(subject, without(spared), spared);
    return { state: settled, neurons: spared, note: `cut ${count} that clean images do without; ${about}` };
  }
  const cut = await cutUntilDead(subject, order, patch, among, spared);
  const rate = (share: number) => `${(100 * share).toFixed(0)} %`;
  const about = (success: number) =>
    `the patch towards class ${patch.target} works on ${rate(success)} of images, ${rate(cut.before)} before`;
  const look = looks(subject, patch);
  const pruned = without(cut.neurons);
  const count = countNeurons(cut.neurons);
  if (scores && cut.success >= SURVIVES) {
    const unlearned = await unlearnPatch(subject, pruned, cut.neurons, scores, patch);
    const after = await look(unlearned.state);
    if (after.success <= LEFT * cut.success && !isTooDear(await look(pruned), after)) {
      const changed = union(cut.neurons, unlearned.neurons);
      const note = `cut ${count} and trained ${countNeurons(unlearned.neurons)}: ${about(after.success)}`;
      return { state: unlearned.state, neurons: changed, note };
    }
  }
  if (count === 0) return nothing("no neuron that was tried carries the patch at a bearable cost");
  const settled = await settle(subject, pruned, cut.neurons);
  return { state: settled, neurons: cut.neurons, note: `cut ${count}: ${about((await look(settled)).success)}` };
}

function union(first: NeuronSet, second: NeuronSet): NeuronSet {
  return parseNeurons([...listNeurons(first), ...listNeurons(second)]);
}
