import { InputError } from "./errors.ts";

/**
 * A set of neurons: layer name → ascending channel indices. A layer's name is its conv's state-dict prefix
 * (`layer3.0.conv1`); a neuron is written `layer3.0.conv1:17`. Layers without neurons are absent.
 */
export type NeuronSet = Record<string, number[]>;

/** One number per neuron of each layer, channels in order. */
export type LayerScores = Record<string, number[]>;

/** A layer of neurons: its name and how many there are. */
export interface LayerWidth {
  name: string;
  width: number;
}

export function countNeurons(set: NeuronSet): number {
  return Object.values(set).reduce((sum, channels) => sum + channels.length, 0);
}

export function formatNeuron(layer: string, index: number): string {
  return `${layer}:${index}`;
}

/** `layer:index` strings in layer order, then channel order. */
export function listNeurons(set: NeuronSet): string[] {
  return Object.entries(set).flatMap(([layer, channels]) => channels.map((c) => formatNeuron(layer, c)));
}

/** Parses `layer:index` strings. @throws InputError where one is malformed. */
export function parseNeurons(names: Iterable<string>): NeuronSet {
  // Not an object yet: a layer of somebody else's network may be called as something that all objects have.
  const found = new Map<string, number[]>();
  for (const name of names) {
    const match = /^(.+):(\d+)$/.exec(name);
    if (!match) throw new InputError(`bad neuron '${name}': write layer:index, e.g. layer3.0.conv1:17`);
    const [, layer, index] = match;
    const channels = found.get(layer) ?? [];
    found.set(layer, channels);
    channels.push(Number(index));
  }
  return Object.fromEntries([...found].map(([layer, channels]) => [layer, channels.sort((a, b) => a - b)]));
}

/** Whether two sets hold the same neurons. */
export function sameNeurons(a: NeuronSet, b: NeuronSet): boolean {
  const namesA = listNeurons(a).sort();
  const namesB = listNeurons(b).sort();
  return namesA.length === namesB.length && namesA.every((name, i) => name === namesB[i]);
}
