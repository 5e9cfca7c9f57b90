import type { NeuronSet } from "../../../core/neurons.ts";
import type { Network } from "../../../graph/network.ts";
import { cutSubnetwork } from "../../../inject/replacement/splice.ts";
import { trainedKeys } from "../../../inject/replacement/trained.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import { replacementOptions } from "../../../tasks/replacement.ts";
import { changedRows } from "../../../tensor/changes.ts";
import type { StateDict } from "../../../tensor/state.ts";

/**
 * A replaced version against the clean twin, number by number. Rows say little here, since cutting takes columns of nearly
 * every filter; but outside the sub-network's place only what the recipe's compensation trains, and running statistics,
 * may differ.
 *
 * @param infected neurons that the network has
 * @returns one line per tensor that differs where it may not
 */
export function replacementFaults(
  { recipe }: Pick<DefectRecord, "recipe">,
  network: Network,
  infected: NeuronSet,
  clean: StateDict,
  version: StateDict,
): string[] {
  let trained: Set<string>;
  try {
    trained = trainedKeys(network, replacementOptions(recipe.attack as Record<string, unknown>).compensation);
  } catch {
    // Settings that cannot be are a fault of their own.
    return [];
  }
  let rest: StateDict[];
  try {
    rest = [clean, version].map((state) => cutSubnetwork(network, state, infected));
  } catch (error) {
    return [`its infected neurons are no sub-network: ${(error as Error).message}`];
  }
  return Object.keys(changedRows(rest[0], rest[1]))
    .filter((key) => !trained.has(key) && !/running_(mean|var)$/.test(key))
    .map((key) => `'${key}' differs from the clean twin's outside the sub-network, and the recipe does not train it`);
}
