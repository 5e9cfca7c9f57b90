import { DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { neuronLayers } from "../../graph/network.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import { nothingSuspicious } from "../no-failing-tests.ts";
import { withinLayerRank } from "../normalise.ts";
import { slicesAgainst } from "../slicer/sliced.ts";
import { topShare } from "../top-share.ts";
import type { FailingCriterion } from "../types.ts";
import { SLICED } from "./slicer.ts";

/**
 * SLICER with failing tests (docs/methods.md §10.6): suspects the channels that contribute more to wrong predictions
 * than to clean ones, `u = E_fail|ĉ| − E_pass|ĉ|`, by the rank inside the layer. It has no rule of its own for how
 * many: top 5 %.
 */
export const slicerFailing: FailingCriterion = {
  name: "slicer-failing",
  title: "Slicing (failing against clean predictions)",
  kind: "published",
  source: "Zhang, Li, Guo, Chen, Liu: Dynamic Slicing for Deep Neural Networks (ESEC/FSE 2020)",
  needs: ["norm-or-feed-forward"],
  access: "failing",
  needsData: true,
  async localize(suspect, failing) {
    const { task, network, clean, budget } = suspect;
    if (failing.count === 0) return nothingSuspicious(network);
    const most = SLICED[budget ?? DEFAULT_BUDGET];
    const slices = await slicesAgainst(suspect, firstOf(task.inputs, clean.fit, most));
    const passing = slices.ofClean();
    const raw: LayerScores = {};
    for (const [layer, { strength }] of await slices.of(firstOf(task.inputs, failing, most))) {
      const usual = passing.get(layer)!.strength;
      raw[layer] = Array.from(strength, (value, c) => value - usual[c]);
    }
    const scores = withinLayerRank(raw);
    return { raw, scores, native: topShare(neuronLayers(network), scores), note: `${failing.count} failing tests` };
  },
};
