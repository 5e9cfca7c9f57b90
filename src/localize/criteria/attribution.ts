import type { LayerScores } from "../../core/neurons.ts";
import { exciseUntilDead } from "../../reversal/excision.ts";
import { reversePatch } from "../../reversal/reverse.ts";
import { withImages } from "../../reversal/subject.ts";
import { boundedZ, clippedZ } from "../normalise.ts";
import type { CleanCriterion } from "../types.ts";
import { attributionByWord } from "../word-attribution.ts";
import { clp } from "./clp.ts";

/** What CLP's evidence counts beside the attribution's. */
const CLP_SHARE = 0.5;

/**
 * Who carries the flip to the class of a patch that was reversed from the model itself (docs/methods.md §10.13), with half
 * of CLP's evidence beside it: `u = z(A) + ½·z(CLP)`, both within [−1, 4]. Native: what a walk cuts until the patch is dead. Of texts a
 * word is reversed in place of a patch.
 */
export const attribution: CleanCriterion = {
  name: "attribution",
  title: "Ablation attribution under a reversed trigger",
  kind: "own",
  needs: ["patch-or-words"],
  access: "clean",
  needsData: true,
  revision: 2,
  async localize(blind) {
    const { insertion } = blind.task;
    if (insertion) return attributionByWord(blind, insertion);
    const suspect = withImages(blind);
    const { patch } = await reversePatch(suspect);
    const { scores: amplified } = await clp.localize(suspect);
    const scores = carriedAndAmplified(patch.attribution, amplified);
    const { neurons } = await exciseUntilDead(suspect, scores, patch);
    const { target, norm, success, evidence } = patch;
    const note = `class ${target}, patch of ${norm.toFixed(1)} pixels, success ${success.toFixed(2)}, evidence ${evidence.toFixed(4)}`;
    return { raw: scores, scores, native: neurons, note };
  },
};

/** `u` of every neuron. @param attribution A @param amplified CLP's scores */
export function carriedAndAmplified(attribution: LayerScores, amplified: LayerScores): LayerScores {
  return Object.fromEntries(
    Object.entries(boundedZ(attribution)).map(([layer, values]) => [
      layer,
      values.map((z, c) => clippedZ(z) + CLP_SHARE * clippedZ(amplified[layer][c])),
    ]),
  );
}

/** The evidence in a stored note. @returns null where the note holds none */
export function evidenceIn(note: string | null | undefined): number | null {
  const found = /, evidence (\d+\.\d{4})$/.exec(note ?? "");
  return found && Number(found[1]);
}
