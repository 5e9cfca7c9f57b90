import { indexNeurons } from "../../../core/neuron-index.ts";
import { listNeurons, type NeuronSet } from "../../../core/neurons.ts";
import { type Network, neuronLayers } from "../../../graph/network.ts";
import { CRITERIA } from "../../../localize/registry.ts";
import { type DefectRecord, storedHash, versionRates } from "../../../records/defect.ts";
import type { DefectLabels } from "../../../records/labels.ts";
import { isPluginName } from "../../../records/plugin-name.ts";
import { isMeasured, type RepairFile, repairedVersion } from "../../../records/repair.ts";
import { randomNeurons } from "../../../repair/random-neurons.ts";
import { REPAIRS } from "../../../repair/registry.ts";
import { RATE_TOLERANCE } from "./identity.ts";
import { hashFaults, namedFaults, revisionFaults } from "./judgements.ts";
import { secondsFaults } from "./seconds.ts";

/** A repair against the defect it is of, its network, and who chose the neurons. */

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
  faults.push(...hashFaults(record, repairedVersion(found), found.model_sha256));
  faults.push(...secondsFaults(found.seconds, {}, ""), ...secondsFaults(found.measure_seconds ?? 0, {}, ""));
  faults.push(...rateFaults(found, record));
  const named = [...namedFaults("neurons", neurons, network), ...namedFaults("cut", found.cut ?? [], network)];
  if (known && (found.cut !== undefined) !== (known.repairByRanking !== undefined)) {
    faults.push(`${method} ${found.cut ? "goes by no ranking, but 'cut' names neurons" : "states no 'cut'"}`);
  }
  return [...faults, ...(named.length > 0 ? named : chosenFaults(found, record, labels, network))];
}

/** What the model did before the repair is what its defect's record says of this version. */
function rateFaults(found: RepairFile, record: DefectRecord): string[] {
  const faults: string[] = [];
  const rates = versionRates(record, repairedVersion(found));
  for (const name of ["ca", "asr"] as const) {
    const [before, own] = [found[`${name}_before`], rates[name]];
    if (before === null || own === null || Math.abs(before - own) <= RATE_TOLERANCE) continue;
    faults.push(`'${name}_before' is ${before}, in the defect's record ${own}`);
  }
  const isIdle = (found.cut ?? found.neurons).length === 0 && found.fingerprint === undefined;
  if (isIdle && (found.ca_after !== found.ca_before || found.asr_after !== found.asr_before)) {
    faults.push("repaired no neuron, but its rates changed");
  }
  return faults;
}

/** The neurons against who named them, as far as that needs no prediction. */
function chosenFaults(
  { using, neurons, seed }: RepairFile,
  record: DefectRecord,
  labels: DefectLabels | null,
  network: Network,
): string[] {
  const is = (wanted: NeuronSet) => listNeurons(wanted).join() === neurons.join();
  if (using === "none") return neurons.length === 0 ? [] : ["'using' is 'none', but 'neurons' names some"];
  if (using === "oracle" && labels && !is(labels.infected)) {
    return ["'neurons' are not the infected ones, which 'oracle' names"];
  }
  const { infected } = record;
  const isTop = using.endsWith(":topk");
  // Scores that are all equal name none.
  const isCounted = neurons.length === infected || (isTop && neurons.length === 0);
  if ((isTop || using === "random") && !isCounted) {
    return [`'neurons' holds ${neurons.length}, '${using}' takes as many as are infected: ${infected}`];
  }
  const layers = neuronLayers(network);
  if (using === "random" && infected <= indexNeurons(layers).size) {
    // The infected model's hash draws for every version (docs/methods.md §11.3).
    if (!is(randomNeurons(layers, infected, storedHash(record, "infected") ?? "", seed))) {
      return [`'neurons' are not those that seed ${seed} draws, which 'random' names`];
    }
  }
  return [];
}
