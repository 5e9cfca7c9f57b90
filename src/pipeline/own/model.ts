import { InputError } from "../../core/errors.ts";
import type { Network } from "../../graph/network.ts";
import { stateShapes } from "../../graph/network.ts";
import { fittingNetwork } from "../../store/foreign/interpret.ts";
import { readBytes } from "../../store/fs.ts";
import { modelSha256 } from "../../store/models.ts";
import { decodeState, encodeState } from "../../tensor/safetensors.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";

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

export async function openOwnModel(file: string): Promise<OwnModel> {
  const found = decodeState(readBytes(file), file);
  const network = fittingNetwork(found);
  if (!network) throw new InputError(`${file}: fits no architecture`);
  const state: StateDict = new Map([...stateShapes(network).keys()].map((key) => [key, tensorOf(found, key)]));
  return {
    file,
    network,
    state,
    sha256: modelSha256(state),
    layerName: (layer) => layer,
    encode: encodeState,
    notes: [],
  };
}
