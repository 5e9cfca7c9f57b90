import { countNeurons, type NeuronSet, sameNeurons } from "../../../core/neurons.ts";
import { type Network, neuronLayers } from "../../../graph/network.ts";
import { quantity } from "../../../inject/quantity.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import type { DefectLabels } from "../../../records/labels.ts";

/** Labels against the record and the network: G is the level's, E follows from the effects, one number per neuron. */

/** @returns one line per fault of the labels */
export function truthFaults(record: DefectRecord, labels: DefectLabels, network: Network): string[] {
  const { infected, effective, contribution, effect, effect_threshold: threshold } = labels;
  const faults = neuronFaults(infected, network);
  for (const { name, width } of neuronLayers(network)) {
    const [count, wanted] = [own(infected, name).length, quantity(record.level, width)];
    if (count !== wanted) faults.push(`${count} infected neurons in '${name}', level ${record.level} takes ${wanted}`);
  }
  if (countNeurons(infected) !== record.infected)
    faults.push("holds another number of infected neurons than the record");
  if ((effective ? countNeurons(effective) : 0) !== record.effective) {
    faults.push("holds another number of effective neurons than the record");
  }
  if (effective && !isSubset(effective, infected)) faults.push("names an effective neuron that is not infected");
  const values = { contribution, effect };
  const odd = Object.entries(values).filter(([, of]) => !isAligned(of, infected));
  for (const [name] of odd) faults.push(`'${name}' is not aligned with 'infected'`);
  if (
    Object.values(contribution)
      .flat()
      .some((value) => value < 0)
  )
    faults.push("'contribution' has a negative value");
  for (const [name, of] of Object.entries(values)) {
    const isLarge = Object.values(of).some((list) => list.some((value) => !Number.isFinite(Math.fround(value))));
    if (isLarge) faults.push(`'${name}' has a value beyond float32`);
  }
  if (odd.length > 0) return faults;
  const strong = Object.fromEntries(
    Object.entries(infected).map(([layer, channels]) => [
      layer,
      channels.filter((_, i) => effect[layer][i] > threshold),
    ]),
  );
  if (!sameNeurons(strong, effective ?? {})) {
    faults.push("'effective' is not the infected neurons whose effect is above 'effect_threshold'");
  }
  return faults;
}

/** Neurons that the network lacks, stated twice or out of order. @returns one line per layer at fault */
export function neuronFaults(set: NeuronSet, network: Network): string[] {
  const widths = new Map(neuronLayers(network).map(({ name, width }) => [name, width]));
  return Object.entries(set).flatMap(([layer, channels]) => {
    const width = widths.get(layer);
    if (width === undefined) return [`${network.arch} has no layer '${layer}'`];
    const beyond = channels.find((channel) => channel < 0 || channel >= width);
    if (beyond !== undefined) return [`names neuron ${layer}:${beyond}, the layer has ${width}`];
    const rises = channels.every((channel, i) => i === 0 || channels[i - 1] < channel);
    return rises ? [] : [`the neurons of '${layer}' are not in ascending order`];
  });
}

export function isSubset(part: NeuronSet, whole: NeuronSet): boolean {
  return Object.entries(part).every(([layer, channels]) => {
    const known = new Set(own(whole, layer));
    return channels.every((channel) => known.has(channel));
  });
}

function own(set: NeuronSet, layer: string): number[] {
  return Object.hasOwn(set, layer) ? set[layer] : [];
}

function isAligned(values: Record<string, number[]>, set: NeuronSet): boolean {
  const layers = Object.keys(set);
  return (
    Object.keys(values).length === layers.length &&
    layers.every((layer) => Object.hasOwn(values, layer) && values[layer].length === set[layer].length)
  );
}
