import {
  flatScores,
  indexNeurons,
  membership,
  type NeuronIndex,
  neuronsAt,
  suspicionOrder,
  topK,
} from "../../src/core/neuron-index.ts";
import {
  countNeurons,
  formatNeuron,
  type LayerScores,
  type LayerWidth,
  listNeurons,
  type NeuronSet,
} from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { type Network, neuronLayers } from "../../src/graph/network.ts";
import type { SiteDefect, SiteScores } from "../../src/records/site.ts";
import type { Silence, View } from "./view.ts";

export function networkOf({ network }: SiteDefect): Network {
  return network as unknown as Network;
}

export function neuronIndex(facts: SiteDefect): NeuronIndex {
  return indexNeurons(neuronLayers(networkOf(facts)));
}

/** Criteria that scored the infected model. */
export function criteriaOf({ scores }: SiteDefect): string[] {
  return scores.map(({ criterion }) => criterion);
}

export function scoresOf({ scores }: SiteDefect, criterion: string | null): SiteScores | undefined {
  return scores.find((entry) => entry.criterion === criterion);
}

/** The criterion's most suspicious neurons, as many as are infected. */
export function suspiciousOf(facts: SiteDefect, criterion: string | null): NeuronSet {
  const found = scoresOf(facts, criterion);
  return found ? topK(neuronIndex(facts), found.scores, countNeurons(facts.infected)) : {};
}

/** The neurons that a choice silences; those of a list that the network lacks are passed over. */
export function silencedOf(facts: SiteDefect, silence: Silence, criterion: string | null): NeuronSet {
  const index = neuronIndex(facts);
  if (silence === "none") return {};
  if (silence === "infected") return facts.infected;
  if (silence === "top") return suspiciousOf(facts, criterion);
  if (silence === "random") return randomOthers(index, facts.infected);
  const known: NeuronSet = {};
  for (const { name, width } of index.layers) {
    const chosen = (Object.hasOwn(silence, name) ? silence[name] : []).filter((n) => n < width);
    if (chosen.length > 0) known[name] = [...new Set(chosen)].sort((a, b) => a - b);
  }
  return known;
}

/** What a link may name and this defect lacks, for people. */
export function absentOf(
  facts: SiteDefect,
  { silence, criterion, neuron }: Pick<View, "silence" | "criterion" | "neuron">,
) {
  const { layers } = neuronIndex(facts);
  const criteria = criteriaOf(facts);
  const absent: string[] = [];
  if (criterion !== null && !criteria.includes(criterion)) absent.push(`criterion ${criterion}`);
  if (silence === "top" && criteria.length === 0) absent.push("silence top");
  if (typeof silence !== "string") {
    const unknown = listNeurons(silence).filter((name) => !neuronNamed(name, layers));
    if (unknown.length > 0) absent.push(`neurons ${unknown.join(", ")}`);
  }
  if (neuron !== null && !neuronNamed(neuron, layers)) absent.push(`neuron ${neuron}`);
  return absent;
}

/** The neuron of a name `layer:index`; null where the network has none. */
export function neuronNamed(
  name: string | null,
  layers: readonly LayerWidth[],
): { layer: string; index: number; name: string } | null {
  const found = /^(.+):(\d+)$/.exec(name ?? "");
  if (!found) return null;
  const [layer, index] = [found[1], Number(found[2])];
  const isThere = layers.some((one) => one.name === layer && index < one.width);
  return isThere ? { layer, index, name: formatNeuron(layer, index) } : null;
}

/** As many neurons that are not infected, the same at every visit. */
function randomOthers(index: NeuronIndex, infected: NeuronSet): NeuronSet {
  const isInfected = membership(index, infected);
  const others = new Random(1).permutation(index.size).filter((at) => !isInfected[at]);
  const flags = new Uint8Array(index.size);
  for (const at of others.slice(0, countNeurons(infected))) flags[at] = 1;
  return neuronsAt(index, flags);
}

/** The set with one neuron more or less. */
export function toggled(set: NeuronSet, layer: string, neuron: number): NeuronSet {
  const before = set[layer] ?? [];
  const after = before.includes(neuron) ? before.filter((n) => n !== neuron) : [...before, neuron];
  const { [layer]: _, ...rest } = set;
  return after.length === 0 ? rest : { ...rest, [layer]: after.sort((a, b) => a - b) };
}

/** Rank of a neuron by scores, 1 the most suspicious, ties in the network's order. */
export function rankOf(index: NeuronIndex, scores: LayerScores, layer: string, neuron: number): number {
  return suspicionOrder(flatScores(index, scores)).indexOf(index.offsets.get(layer)! + neuron) + 1;
}
