import { InputError } from "../../core/errors.ts";
import { flatScores, indexNeurons } from "../../core/neuron-index.ts";
import { type NeuronSet, parseNeurons, sameNeurons } from "../../core/neurons.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import { CRITERIA } from "../../localize/registry.ts";
import { REPAIRS } from "../../repair/registry.ts";
import { isMeasured, isPluginName, type PredictionFile, type RepairFile } from "../results.ts";
import { type DefectLabels, type DefectRecord, twinSha256 } from "../schema.ts";
import { neuronFaults } from "./truth.ts";

/** Predictions and repairs against the defect they are of, its network and what criteria and repairs there are. */

/** @returns one line per field that does not fit */
export function predictionFaults(found: PredictionFile, record: DefectRecord, network: Network): string[] {
  const { criterion, access, version, native, fingerprint } = found;
  const faults: string[] = [];
  const known = CRITERIA.get(criterion);
  if (!known && !isPluginName(criterion)) faults.push(`'${criterion}' is no known criterion`);
  if (known && known.access !== access) faults.push(`states access '${access}', ${criterion} has '${known.access}'`);
  if (known && fingerprint !== undefined) faults.push(`has a program's fingerprint, and ${criterion} is no plug-in`);
  if (known && found.elsewhere) faults.push(`was computed elsewhere, and ${criterion} is no plug-in`);
  faults.push(...revisionFaults(criterion, known, found.revision));
  faults.push(...hashFaults(record, version, found.model_sha256));
  const index = indexNeurons(neuronLayers(network));
  for (const [name, scores] of Object.entries({ raw: found.raw, scores: found.scores })) {
    const more = Object.keys(scores).find((layer) => !index.offsets.has(layer));
    if (more !== undefined) faults.push(`'${name}': ${network.arch} has no layer '${more}'`);
    try {
      flatScores(index, scores);
    } catch (error) {
      faults.push(`'${name}': ${(error as Error).message}`);
    }
  }
  return [...faults, ...namedFaults("native", native, network)];
}

/** @returns one line per field that does not fit */
export function repairFaults(
  found: RepairFile,
  record: DefectRecord,
  labels: DefectLabels | null,
  network: Network,
): string[] {
  const { method, using, neurons, fingerprint } = found;
  const faults: string[] = [];
  const known = REPAIRS.get(method);
  if (!known && !isPluginName(method)) faults.push(`'${method}' is no known repair`);
  if (known && fingerprint !== undefined) faults.push(`has a program's fingerprint, and ${method} is no plug-in`);
  faults.push(...revisionFaults(method, known, found.revision));
  if (!isMeasured(found)) faults.push("states no attack success rate, which every repair of a defect has");
  const [chooser, protocol, ...rest] = using.split(":");
  const isChooser = CRITERIA.has(chooser) || isPluginName(chooser);
  const isOther = ["oracle", "random", "none"].includes(chooser) && protocol === undefined;
  if (rest.length > 0 || !(isOther || (isChooser && (protocol === undefined || protocol === "topk")))) {
    faults.push(`'using' is '${using}', which names no known criterion`);
  }
  faults.push(...hashFaults(record, "infected", found.model_sha256));
  const named = namedFaults("neurons", neurons, network);
  if (named.length > 0) return [...faults, ...named];
  if (using === "oracle" && labels && !sameNeurons(parseNeurons(neurons), labels.infected)) {
    faults.push("'neurons' are not the infected ones, which 'oracle' names");
  }
  if (using === "none" && neurons.length > 0) faults.push("'using' is 'none', but 'neurons' names some");
  const drawn = using === "random" || protocol === "topk";
  if (drawn && neurons.length !== record.infected) {
    faults.push(`'neurons' holds ${neurons.length}, '${using}' takes as many as are infected: ${record.infected}`);
  }
  return faults;
}

function revisionFaults(name: string, known: { revision?: number } | undefined, revision = 1): string[] {
  const newest = known?.revision ?? 1;
  return known && revision > newest ? [`states revision ${revision} of ${name}, of which ${newest} is the newest`] : [];
}

/** The derived drift control has no stored hash: it must only be none of the stored models'. */
function hashFaults(record: DefectRecord, version: PredictionFile["version"], sha256: string): string[] {
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

function namedFaults(field: string, names: readonly string[], network: Network): string[] {
  let set: NeuronSet;
  try {
    set = parseNeurons(names);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return [`'${field}': ${error.message}`];
  }
  if (new Set(names).size !== names.length) return [`'${field}' names a neuron twice`];
  return neuronFaults(set, network).map((fault) => `'${field}': ${fault}`);
}
