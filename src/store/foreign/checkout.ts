import { countNeurons, listNeurons } from "../../core/neurons.ts";
import { exportOnnx } from "../../graph/export.ts";
import { neuronLayers } from "../../graph/network.ts";
import { CHECKOUT_FORMAT } from "../../records/checkout.ts";
import type { ForeignRecord } from "../../records/foreign.ts";
import { encodeState } from "../../tensor/safetensors.ts";
import { type CheckedOutFile, writeCheckout } from "../checkout/checkout.ts";
import { TORCH_LOADER } from "../checkout/torch-loader.ts";
import type { Database } from "../database.ts";
import { prettyJson } from "../disk/json.ts";
import { refuseOccupied } from "../disk/new-folder.ts";
import { loadForeign } from "./model.ts";
import { foreignReadme, type KnownData } from "./readme.ts";
import { readForeign } from "./records.ts";

/**
 * Writes a foreign model as a folder that explains itself: weights; a graph, description and loader where an architecture of ours
 * fits; labels where there is truth. The folder appears whole or not at all.
 *
 * @param known of the data set that the model's name states; null: none of that name is known
 * @throws InputError where the folder is not empty or the model is damaged
 */
export async function checkoutForeign(
  db: Database,
  id: string,
  dir: string,
  known: KnownData | null,
): Promise<CheckedOutFile[]> {
  const record = readForeign(db, id);
  refuseOccupied(dir);
  const { network, state, stored } = await loadForeign(db, record);
  const files = new Map<string, Uint8Array | string>([["model.safetensors", encodeState(network ? state : stored)]]);
  const data = known && network && known.classes.length === network.classes ? known : null;
  if (network) {
    files.set("model.onnx", exportOnnx(network, state));
    const description = {
      format: CHECKOUT_FORMAT,
      dataset: record.dataset,
      arch: network.arch,
      classes: data?.classes ?? Array.from({ length: network.classes }, (_, i) => String(i)),
      mean: data?.normalization.mean ?? null,
      std: data?.normalization.std ?? null,
      input: network.input,
      layers: neuronLayers(network),
      nodes: network.nodes,
    };
    files.set("model.json", `${prettyJson(description)}\n`);
    // The loader normalises pixels; how, only a known data set says.
    if (data) files.set("load_in_torch.py", TORCH_LOADER);
  }
  if (record.infected) files.set("labels.json", labelsJson(record));
  files.set("record.json", `${prettyJson(withoutTruth(record))}\n`);
  files.set("README.md", foreignReadme(record, network, data, [...files.keys()]));
  return writeCheckout(dir, files);
}

function labelsJson({ id, infected, contribution }: ForeignRecord): string {
  const truth = {
    id,
    infected,
    contribution,
    effective: null,
    target: null,
    infected_neurons: listNeurons(infected!),
    effective_neurons: null,
  };
  return `${prettyJson(truth)}\n`;
}

/** What is as good as the labels goes with them. */
function withoutTruth({ infected, contribution: _, ...facts }: ForeignRecord) {
  const { poison_path: __, infected_neuron_contribution: ___, ...rest } = facts;
  return { ...rest, infected_neurons: infected && countNeurons(infected) };
}
