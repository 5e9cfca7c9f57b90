import type { Network } from "../../graph/network.ts";
import { stateShapes } from "../../graph/network.ts";
import { ourNames } from "../../store/foreign/file-names.ts";
import { readWeights } from "../../store/foreign/weights.ts";
import { modelSha256 } from "../../store/models.ts";
import { encodeTensors, type RawTensors, tensorValues, withValues } from "../../tensor/safetensors.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import { recognise, type Said } from "./recognise.ts";

/** A network that somebody brought as a file. */
export interface OwnModel {
  /** Its path as given. */
  file: string;
  network: Network;
  /** The weights under our names, in the network's order. */
  state: StateDict;
  /** Of the weights as safetensors under our names: the same for every form in which a file holds them. */
  sha256: string;
  /** The file's own name of a layer of neurons. */
  layerName(layer: string): string;
  /** The file's tensors with these weights in place of its own, as safetensors under its own names and types. */
  encode(state: StateDict): Uint8Array;
  /** What must be known to read the results, a line each. */
  notes: string[];
}

/** What cannot always be told from the file. */
export interface OwnModelOptions extends Said {
  /** Which of several state dicts, by the keys that lead to it, joined by dots. */
  key?: string;
}

/**
 * Opens a checkpoint of one of our architectures, whatever its names are. Nothing in it is executed.
 *
 * @throws InputError where it is no checkpoint, or of no architecture that is known
 */
export async function openOwnModel(file: string, { key, ...said }: OwnModelOptions = {}): Promise<OwnModel> {
  const { tensors, notes } = await readWeights(file, key);
  const theirs = ourNames([...tensors.keys()]);
  const found: StateDict = new Map();
  for (const [ours, name] of theirs) {
    const tensor = tensors.get(name)!;
    const data = tensorValues(tensor);
    if (data) found.set(ours, { shape: tensor.shape, data });
  }
  const network = recognise(file, found, theirs, said);
  const state: StateDict = new Map([...stateShapes(network).keys()].map((key) => [key, tensorOf(found, key)]));
  return {
    file,
    network,
    state,
    sha256: modelSha256(state),
    layerName: (layer) => theirs.get(`${layer}.weight`)!.replace(/\.weight$/, ""),
    encode: (repaired) => {
      const changed: RawTensors = new Map(tensors);
      for (const [key, { data }] of repaired) {
        const name = theirs.get(key)!;
        changed.set(name, withValues(tensors.get(name)!, data));
      }
      return encodeTensors(changed);
    },
    notes,
  };
}
