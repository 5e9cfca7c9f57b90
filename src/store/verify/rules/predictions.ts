import { flatScores, indexNeurons } from "../../../core/neuron-index.ts";
import { type Network, neuronLayers } from "../../../graph/network.ts";
import { CRITERIA } from "../../../localize/registry.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import { isPluginName } from "../../../records/plugin-name.ts";
import type { PredictionFile } from "../../../records/prediction.ts";
import { hashFaults, namedFaults, revisionFaults } from "./judgements.ts";
import { secondsFaults } from "./seconds.ts";

/** A prediction against the defect it is of, its network, and what its criterion gives. */

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
  faults.push(...secondsFaults(found.seconds, {}, ""));
  const isNewest = known && (found.revision ?? 1) === (known.revision ?? 1);
  if (isNewest && faults.length === 0) faults.push(...scoreFaults(found, network));
  return [...faults, ...namedFaults("native", native, network)];
}

/** Their scores order equal raw numbers by a second measure. */
const TIES_BROKEN: ReadonlySet<string> = new Set(["deepmufl", "deepmufl-reversed"]);

/**
 * Every criterion of ours makes its raw numbers comparable by a function that rises with them inside a layer
 * (docs/methods.md §10.1), so scores order a layer's neurons as the raw numbers do. A program of somebody's own
 * promises no such thing.
 */
function scoreFaults({ criterion, raw, scores }: PredictionFile, network: Network): string[] {
  for (const { name, width } of neuronLayers(network)) {
    const [before, after] = [raw[name], scores[name]];
    const order = Array.from({ length: width }, (_, c) => c).sort(
      (a, b) => before[a] - before[b] || after[a] - after[b],
    );
    for (const [i, c] of order.slice(1).entries()) {
      const last = order[i];
      const isTie = before[c] === before[last];
      if (isTie ? !TIES_BROKEN.has(criterion) && after[c] !== after[last] : after[c] < after[last]) {
        const what = isTie ? "tell apart what 'raw' does not" : "are in another order than 'raw'";
        return [`'scores' ${what}: ${name}:${last} and ${name}:${c}`];
      }
    }
  }
  return [];
}
