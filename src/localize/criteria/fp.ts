import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import { neuronLayers } from "../../graph/network.ts";
import { withinLayerRank } from "../normalise.ts";
import { pruneWalk } from "../prune-walk.ts";
import type { CleanCriterion, Localization, Suspect } from "../types.ts";

/** Share of all neurons pruned per step of the walk. */
const STEP = 0.01;

/** Relative loss of clean quality at which the walk stops. */
const MAX_RELATIVE_DROP = 0.1;

/** The last set before the clean quality on the threshold half has fallen by 10 % of itself. */
async function pruneUntilDrop(suspect: Suspect, scores: LayerScores): Promise<NeuronSet> {
  const { state, runner, clean } = suspect;
  const before = await runner.quality(state, clean.threshold);
  return pruneWalk(suspect, scores, STEP, async (pruned) => {
    const quality = await runner.quality(pruned, clean.threshold);
    return before - quality >= MAX_RELATIVE_DROP * before ? "too much" : "on";
  });
}

/** How dormant neurons are. @param activity mean of |a| of each */
export function dormancy(activity: LayerScores): Pick<Localization, "raw" | "scores"> {
  // 0 − x rather than −x: a dead channel scores 0, not −0.
  const raw = Object.fromEntries(
    Object.entries(activity).map(([name, means]) => [name, means.map((mean) => 0 - mean)]),
  );
  return { raw, scores: withinLayerRank(raw) };
}

/**
 * Fine-pruning's first half (docs/methods.md §10.2): neurons that sleep on clean data. `u = −E|a|` over clean samples
 * and positions, made comparable by the rank inside the layer; native by the pruning walk above. The fine-tuning that
 * follows it in the paper is a repair.
 */
export const fp: CleanCriterion = {
  name: "fp",
  title: "Fine-pruning (dormant neurons)",
  kind: "published",
  source: "Liu, Dolan-Gavitt, Garg: Fine-Pruning (RAID 2018)",
  access: "clean",
  needsData: true,
  async localize(suspect) {
    const { network, state, runner, clean } = suspect;
    const taps = await runner.taps(state, clean.fit, "mean-abs");
    const means: LayerScores = {};
    for (const { name, width } of neuronLayers(network)) {
      const values = taps.get(name)!;
      const sums = new Array<number>(width).fill(0);
      for (let i = 0; i < values.length; i++) sums[i % width] += values[i];
      means[name] = sums.map((sum) => sum / clean.fit.count);
    }
    const { raw, scores } = dormancy(means);
    return { raw, scores, native: await pruneUntilDrop(suspect, scores) };
  },
};
