import type { LayerScores } from "../core/neurons.ts";
import { type Network, neuronLayers } from "../graph/network.ts";
import type { Localization } from "./types.ts";

/**
 * What a criterion that goes by failing tests says where there is none (docs/methods.md §10.11): nothing is suspicious.
 */
export function nothingSuspicious(network: Network, note = "no failing test"): Localization {
  const zeros = (): LayerScores =>
    Object.fromEntries(neuronLayers(network).map(({ name, width }) => [name, new Array<number>(width).fill(0)]));
  return { raw: zeros(), scores: zeros(), native: {}, note };
}
