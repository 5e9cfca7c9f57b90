import { highest } from "../../core/argmax.ts";
import { indicesOutside, subset } from "../../images/batch.ts";
import { asImages } from "../../images/image-set.ts";
import { stampPatch } from "../../reversal/stamp.ts";
import { brokenTests } from "../broken-tests.ts";
import { byMutation } from "../deepmufl/by-mutation.ts";
import { invertTrigger } from "../nc/invert-trigger.ts";
import { nothingSuspicious } from "../no-failing-tests.ts";
import type { CleanCriterion } from "../types.ts";

/**
 * Mutation-based fault localization by a defender who has no failing test (docs/methods.md §10.7): they are made with
 * the trigger that Neural Cleanse reverses. Where no class stands out nothing is named, and neurons are ranked by the
 * smallest patch.
 */
export const deepmuflReversed: CleanCriterion = {
  name: "deepmufl-reversed",
  title: "Mutation-based fault localization (reversed trigger)",
  kind: "published",
  source: "Ghanbari, Thomas, Arshad, Rajan: Mutation-based Fault Localization of Deep Neural Networks (ASE 2023)",
  needs: ["batch-norm", "convolution", "classes", "pixels"],
  access: "clean",
  needsData: true,
  async localize(suspect) {
    const trigger = await invertTrigger(suspect, suspect.budget);
    const fit = asImages(suspect.clean.fit);
    const others = subset(fit, indicesOutside(fit, trigger.target));
    const failing = await brokenTests(
      suspect,
      others,
      stampPatch(trigger, others),
      (output) => highest(output) === trigger.target,
    );
    const found = trigger.flagged ? `class ${trigger.target}` : `no class flagged: tried ${trigger.target}`;
    if (failing.count === 0) return nothingSuspicious(suspect.network, `${found}, no failing test`);
    const { raw, scores, native, note } = await byMutation(suspect, failing);
    return { raw, scores, native: trigger.flagged ? native : {}, note: `${found}, ${note}` };
  },
};
