import type { LayerScores, LayerWidth } from "../core/neurons.ts";
import type { Network } from "../graph/network.ts";
import type { StateDict } from "../tensor/state.ts";
import type { CleanCriterion, Localization } from "./types.ts";

/** A criterion that reads the weights of each layer by themselves, so that a network need not be in memory as a whole. */
export interface WeightCriterion extends CleanCriterion {
  needsData: false;
  /** Its own number per neuron, of a network or of some of its layers. */
  rawOf(network: Network, state: StateDict): LayerScores;
  /** What these numbers come to over all layers. */
  judge(raw: LayerScores): Localization;
}

type Definition = Omit<WeightCriterion, "access" | "needsData" | "localize">;

export function byWeights(definition: Definition): WeightCriterion {
  const { rawOf, judge } = definition;
  return {
    ...definition,
    access: "clean",
    needsData: false,
    localize: async ({ network, state }) => judge(rawOf(network, state)),
  };
}

/** Layers and their widths, as numbers of all their neurons tell. */
export function layersOf(raw: LayerScores): LayerWidth[] {
  return Object.entries(raw).map(([name, { length: width }]) => ({ name, width }));
}
