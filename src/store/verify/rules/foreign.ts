import { InputError } from "../../../core/errors.ts";
import { type NeuronSet, sameNeurons } from "../../../core/neurons.ts";
import type { ForeignRecord } from "../../../records/foreign.ts";
import { fittingNetwork } from "../../../tasks/classification/models/recognition/recognise.ts";
import type { StateDict } from "../../../tensor/state.ts";
import { namedLayers } from "../../foreign/named-layers.ts";
import type { Plain } from "../../foreign/torch-file.ts";
import { readTruth } from "../../foreign/truth.ts";

/** A foreign record against its id and the tensors of its model. @returns one line per fault */
export function foreignFaults(record: ForeignRecord, state: StateDict): string[] {
  const { id, dataset, arch, attack, level, top, infected, contribution, fits } = record;
  const faults: string[] = [];
  const wanted = `foreign/${[dataset, arch, attack, level].map(plain).join("-")}-top${String(top).padStart(3, "0")}`;
  if (plain(id) !== plain(wanted)) faults.push("its fields do not fit its id");
  if ((infected === null) !== (record.poison_path === null)) {
    faults.push("'infected' and 'poison_path' do not come together");
  }
  if (contribution !== null && record.infected_neuron_contribution === null) {
    faults.push("'contribution' without 'infected_neuron_contribution'");
  }
  if (infected !== null && Object.values(infected).every((channels) => channels.length === 0)) {
    faults.push("'infected' names no neuron");
  }
  const files = record.told.map(({ file }) => file);
  if (new Set(files).size !== files.length) faults.push("'told' names a file twice");
  if (files.some((file) => !isBelow(file))) faults.push("'told' names a file outside the case's folder");
  if (!isBelow(record.source)) faults.push("'source' leads out of the folder that was imported");
  for (const [layer, channels] of Object.entries(infected ?? {})) {
    const width = state.get(`${layer}.weight`)?.shape[0] ?? state.get(layer)?.shape[0];
    if (width === undefined) {
      faults.push(`'infected' names layer '${layer}', of which the model has no weights`);
      continue;
    }
    const beyond = channels.find((channel) => channel >= width);
    if (beyond !== undefined) faults.push(`'infected' names ${layer}:${beyond}, the layer has ${width} neurons`);
    if (new Set(channels).size !== channels.length) faults.push(`'infected' names a neuron of '${layer}' twice`);
  }
  if (contribution !== null && !isAligned(contribution, infected)) {
    faults.push("'contribution' is not aligned with 'infected'");
  }
  if (fits !== null && fittingNetwork(state)?.arch !== fits)
    faults.push(`'fits' is '${fits}', whose tensors these are not`);
  return faults;
}

function isBelow(path: string): boolean {
  return path !== "" && !/^([/\\]|[a-z]:)/i.test(path) && !path.split(/[/\\]/).includes("..");
}

/**
 * Reads the stored `poison_path` again, where that is plain lists under names of ours: masks and tensors, and names of the
 * source's own, were understood with files that are not kept.
 */
export function poisonPathFaults(record: ForeignRecord, state: StateDict, stored: Uint8Array): string[] {
  const { infected } = record;
  const value = plainOf(parsed(stored));
  if (infected === null || value === undefined) return [];
  const network = fittingNetwork(state);
  let found: NeuronSet | null;
  try {
    found = readTruth("poison_path", value, null, undefined, namedLayers(state, network, new Map())).infected;
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
  return found === null || sameNeurons(found, infected) ? [] : ["'infected' is not what 'poison_path' holds"];
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** As the reader of checkpoints gives it; undefined: not plain lists of numbers under names. */
function plainOf(value: unknown): Plain | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const lists = Object.values(value);
  const isPlain = lists.every((list) => Array.isArray(list) && list.every((one) => Number.isInteger(one)));
  if (!isPlain || lists.length === 0) return undefined;
  return Array.isArray(value) ? lists : new Map(Object.entries(value));
}

/** An id has no other characters than these. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

function isAligned(values: Record<string, number[]>, set: Record<string, number[]> | null): boolean {
  return Object.entries(values).every(
    ([layer, list]) => set !== null && Object.hasOwn(set, layer) && set[layer].length === list.length,
  );
}
