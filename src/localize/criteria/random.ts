import type { LayerScores } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { neuronLayers } from "../../graph/network.ts";
import { topShare } from "../top-share.ts";
import type { CleanCriterion } from "../types.ts";

/** Baseline: seeded uniform numbers (docs/methods.md §10.10). What any criterion must beat. */
export const random: CleanCriterion = {
  name: "random",
  title: "Random ranking",
  kind: "baseline",
  access: "clean",
  needsData: false,
  async localize({ network, seed }) {
    const stream = new Random(stageSeed(seed, "localize", "random"));
    const layers = neuronLayers(network);
    const raw: LayerScores = {};
    for (const { name, width } of layers) raw[name] = Array.from({ length: width }, () => stream.uniform());
    return { raw, scores: raw, native: topShare(layers, raw) };
  },
};
