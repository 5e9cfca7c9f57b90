import { InputError } from "../../../core/errors.ts";
import { listNeurons, type NeuronSet, parseNeurons } from "../../../core/neurons.ts";
import type { Network } from "../../../graph/network.ts";
import { type DefectRecord, twinSha256 } from "../../../records/defect.ts";
import type { PredictionFile } from "../../../records/prediction.ts";
import { neuronFaults } from "./truth.ts";

/** What predictions and repairs share: a revision, the model that they are of, neurons by name. */

export function revisionFaults(name: string, known: { revision?: number } | undefined, revision = 1): string[] {
  const newest = known?.revision ?? 1;
  return known && revision > newest ? [`states revision ${revision} of ${name}, of which ${newest} is the newest`] : [];
}

/** The derived drift control has no stored hash: it must only be none of the stored models'. */
export function hashFaults(record: DefectRecord, version: PredictionFile["version"], sha256: string): string[] {
  const stored = {
    clean: twinSha256(record),
    infected: record.infected_model?.decoded_sha256,
    sham: record.sham_model?.decoded_sha256,
  };
  if (version === "drift") {
    return Object.values(stored).includes(sha256)
      ? ["'model_sha256' is a stored version's, not the drift control's"]
      : [];
  }
  if (stored[version] === undefined) return [`is of the ${version} version, which the ${record.status} defect lacks`];
  return stored[version] === sha256 ? [] : [`'model_sha256' is not that of the ${version} version`];
}

export function namedFaults(field: string, names: readonly string[], network: Network): string[] {
  let set: NeuronSet;
  try {
    set = parseNeurons(names);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return [`'${field}': ${error.message}`];
  }
  if (new Set(names).size !== names.length) return [`'${field}' names a neuron twice`];
  if (listNeurons(set).join() !== names.join()) return [`'${field}' is not in order`];
  return neuronFaults(set, network).map((fault) => `'${field}': ${fault}`);
}
