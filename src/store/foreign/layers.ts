import type { LayerWidth } from "../../core/neurons.ts";
import { neuronLayers } from "../../graph/network.ts";
import { buildNetwork } from "../../models/registry.ts";
import type { ForeignRecord } from "../../records/foreign.ts";

/** Neurons do not depend on the number of classes. */
const ANY_CLASSES = 10;

/** The layers of neurons of a foreign model; null where no architecture of ours fits. */
export function foreignLayers({ fits }: Pick<ForeignRecord, "fits">): LayerWidth[] | null {
  return fits === null ? null : neuronLayers(buildNetwork(fits, ANY_CLASSES));
}
