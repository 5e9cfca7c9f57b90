import type { LayerWidth } from "../../core/neurons.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { ForeignRecord } from "../../records/foreign.ts";
import { buildNetwork } from "../../tasks/classification/models/registry.ts";

/** Neurons do not depend on the number of classes. */
const ANY_CLASSES = 10;

/** The network of a foreign model but for its number of classes; null where no architecture of ours fits. */
export function foreignNetwork({ fits }: Pick<ForeignRecord, "fits">): Network | null {
  return fits === null ? null : buildNetwork(fits, ANY_CLASSES);
}

/** The layers of neurons of a foreign model; null where no architecture of ours fits. */
export function foreignLayers(record: Pick<ForeignRecord, "fits">): LayerWidth[] | null {
  const network = foreignNetwork(record);
  return network && neuronLayers(network);
}
