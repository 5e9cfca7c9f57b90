import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import { withinLayerRank } from "../normalise.ts";
import { slicesAgainst } from "../slicer/sliced.ts";
import type { CleanCriterion } from "../types.ts";

/** At most so many samples of the fit half (docs/methods.md §10.6). */
export const SLICED: Record<Budget, number> = { demo: 50, short: 200, full: 500 };

/** A neuron is named where it is absent from the slices of more than this share of the samples. */
const ABSENT = 0.5;

/**
 * SLICER (docs/methods.md §10.6): slices each clean prediction back to the channels that contributed, and suspects
 * those that hardly ever do: `u = −E|ĉ|`, by the rank inside the layer. Native: no part of most slices.
 */
export const slicer: CleanCriterion = {
  name: "slicer",
  title: "Slicing (no part of clean predictions)",
  kind: "published",
  source: "Zhang, Li, Guo, Chen, Liu: Dynamic Slicing for Deep Neural Networks (ESEC/FSE 2020)",
  needs: ["norm-or-feed-forward"],
  access: "clean",
  needsData: true,
  async localize(suspect) {
    // The halves are in random order.
    const samples = firstOf(suspect.task.inputs, suspect.clean.fit, SLICED[suspect.budget ?? DEFAULT_BUDGET]);
    const raw: LayerScores = {};
    const native: NeuronSet = {};
    for (const [layer, { strength, absent }] of (await slicesAgainst(suspect, samples)).ofClean()) {
      raw[layer] = Array.from(strength, (value) => 0 - value);
      const named = [...absent.keys()].filter((c) => absent[c] > ABSENT);
      if (named.length > 0) native[layer] = named;
    }
    return { raw, scores: withinLayerRank(raw), native };
  },
};
