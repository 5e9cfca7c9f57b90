import { classifierOf, convUnits, type Network, parameterKeys, stateShapes } from "../../graph/network.ts";
import type { ReplacementOptions } from "../../tasks/replacement.ts";
import { sizeOf } from "../../tensor/state.ts";

/**
 * The parameters that compensation trains, under their keys. The narrowest layers lose the largest share of their inputs with
 * the sub-network, and they are also the smallest: so `few` trains filters from the smallest on, whole tensors, up to a
 * share of all filters' numbers.
 */
export function trainedKeys(
  network: Network,
  { trains, filters = 0 }: Pick<ReplacementOptions["compensation"], "trains" | "filters">,
): Set<string> {
  if (trains === "all") return new Set(parameterKeys(network));
  const head = classifierOf(network).id;
  const norms = convUnits(network).flatMap(({ bn }) => [`${bn}.weight`, `${bn}.bias`]);
  if (trains === "norms") return new Set([...norms, `${head}.weight`, `${head}.bias`]);
  return new Set([...norms, `${head}.bias`, ...smallestFilters(network, filters)]);
}

/** Filter tensors from the smallest on, ties in the network's order, as long as the share holds them. */
function smallestFilters(network: Network, share: number): string[] {
  const shapes = stateShapes(network);
  const sizes = convUnits(network)
    .map(({ id }) => `${id}.weight`)
    .map((key) => ({ key, size: sizeOf(shapes.get(key)!) }));
  let left = share * sizes.reduce((sum, { size }) => sum + size, 0);
  const chosen: string[] = [];
  for (const { key, size } of [...sizes].sort((a, b) => a.size - b.size)) {
    left -= size;
    if (left < 0) break;
    chosen.push(key);
  }
  return chosen;
}
