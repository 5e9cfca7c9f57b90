import { flatScores, indexNeurons, layerScores, membership, tellsNothing } from "../core/neuron-index.ts";
import { countNeurons, type LayerScores, listNeurons, type NeuronSet, parseNeurons } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import type { Suspect } from "../localize/types.ts";
import { maskNeurons } from "../measure/mask.ts";
import { ENOUGH_EVIDENCE } from "../reversal/excision.ts";
import { reversePatch } from "../reversal/reverse.ts";
import { withImages } from "../reversal/subject.ts";
import { cutUntilDead } from "./cutting.ts";
import { isTooDear, looks } from "./look.ts";
import type { RankedRepair, Repair } from "./types.ts";
import { unlearnPatch } from "./unlearning.ts";

/** Success from which on a patch that was cut is unlearned besides. */
const SURVIVES = 0.1;

/** Success that unlearning must leave at most, as a share of what it was. */
const LEFT = 0.5;

/**
 * Neurons that a criterion finds suspicious are cut until a patch that was reversed from the model is dead, as far as clean images allow
 * (docs/methods.md §11.4). How many, the patch and the images decide, and not how many the criterion names.
 */
export const excise: Repair = {
  name: "excise",
  title: "Cutting until the reversed patch is dead",
  source: "this project",
  needs: ["pixels", "classes"],
  revision: 2,
  repair: async (suspect, neurons, scores) => (await byRanking(suspect, neurons, scores)).state,
  repairByRanking: byRanking,
};

/** @param scores absent: the named neurons are tried and no others */
async function byRanking(suspect: Suspect, neurons: NeuronSet, scores?: LayerScores): Promise<RankedRepair> {
  const { network, state } = suspect;
  const nothing = (why: string) => ({
    state: maskNeurons(network, state, {}),
    neurons: {},
    note: `nothing cut: ${why}`,
  });
  const index = indexNeurons(neuronLayers(network));
  if (!scores && countNeurons(neurons) === 0) return nothing("no neuron is named");
  if (scores && tellsNothing(flatScores(index, scores))) return nothing("all neurons are as suspicious");
  const subject = withImages(suspect);
  const { patch } = await reversePatch(subject);
  if (patch.evidence < ENOUGH_EVIDENCE) return nothing(`no patch stands out (evidence ${patch.evidence.toFixed(2)})`);
  const order = scores ?? layerScores(index, membership(index, neurons));
  const cut = await cutUntilDead(subject, order, patch, scores ? undefined : countNeurons(neurons));
  const rate = (share: number) => `${(100 * share).toFixed(0)} %`;
  const about = (success: number) =>
    `the patch towards class ${patch.target} works on ${rate(success)} of images, ${rate(cut.before)} before`;
  const pruned = maskNeurons(network, state, cut.neurons);
  if (scores && cut.success >= SURVIVES) {
    const look = looks(subject, patch);
    const unlearned = await unlearnPatch(subject, pruned, cut.neurons, scores, patch);
    const after = await look(unlearned.state);
    if (after.success <= LEFT * cut.success && !isTooDear(await look(state), after)) {
      const neurons = union(cut.neurons, unlearned.neurons);
      const note = `cut ${cut.count} and trained ${countNeurons(unlearned.neurons)}: ${about(after.success)}`;
      return { state: unlearned.state, neurons, note };
    }
  }
  if (cut.count === 0) return nothing("no neuron that was tried carries the patch at a bearable cost");
  return { state: pruned, neurons: cut.neurons, note: `cut ${cut.count}: ${about(cut.success)}` };
}

function union(first: NeuronSet, second: NeuronSet): NeuronSet {
  return parseNeurons([...listNeurons(first), ...listNeurons(second)]);
}
