import { highest } from "../../core/argmax.ts";
import type { Samples } from "../../core/samples.ts";
import { indicesOutside, subset } from "../../images/batch.ts";
import { asImages } from "../../images/image-set.ts";
import { stampPatch } from "../../reversal/stamp.ts";
import { outside } from "../../reversal/words/texts.ts";
import type { Insertion } from "../../tasks/insertion.ts";
import { brokenTests } from "../broken-tests.ts";
import { byMutation } from "../deepmufl/by-mutation.ts";
import { filledWith } from "../nc/by-words.ts";
import { invertTrigger } from "../nc/invert-trigger.ts";
import { invertWords } from "../nc/invert-words.ts";
import { nothingSuspicious } from "../no-failing-tests.ts";
import type { CleanCriterion, Suspect } from "../types.ts";

/** What a reversed trigger leads to, and the tests that it breaks. */
interface Reversed {
  target: number;
  flagged: boolean;
  failing: Samples;
}

/**
 * Mutation-based fault localization by a defender who has no failing test (docs/methods.md §10.7): they are made with
 * the trigger that Neural Cleanse reverses. Where no class stands out nothing is named, and neurons are ranked by the
 * smallest patch, or by the words of the smallest loss.
 */
export const deepmuflReversed: CleanCriterion = {
  name: "deepmufl-reversed",
  title: "Mutation-based fault localization (reversed trigger)",
  kind: "published",
  source: "Ghanbari, Thomas, Arshad, Rajan: Mutation-based Fault Localization of Deep Neural Networks (ASE 2023)",
  needs: ["patch-or-words"],
  access: "clean",
  needsData: true,
  async localize(suspect) {
    const { insertion } = suspect.task;
    const { target, flagged, failing } = insertion ? await ofWords(suspect, insertion) : await ofPatch(suspect);
    const found = flagged ? `class ${target}` : `no class flagged: tried ${target}`;
    if (failing.count === 0) return nothingSuspicious(suspect.network, `${found}, no failing test`);
    const { raw, scores, native, note } = await byMutation(suspect, failing);
    return { raw, scores, native: flagged ? native : {}, note: `${found}, ${note}` };
  },
};

async function ofPatch(suspect: Suspect): Promise<Reversed> {
  const trigger = await invertTrigger(suspect, suspect.budget);
  const { target, flagged } = trigger;
  const fit = asImages(suspect.clean.fit);
  const others = subset(fit, indicesOutside(fit, target));
  const stamped = stampPatch(trigger, others);
  return { target, flagged, failing: await brokenTests(suspect, others, stamped, (o) => highest(o) === target) };
}

async function ofWords(suspect: Suspect, insertion: Insertion): Promise<Reversed> {
  const { target, words, flagged } = await invertWords(suspect, insertion);
  const others = outside(suspect, insertion, suspect.clean.fit, target);
  const filled = filledWith(suspect, insertion, others, words, "tests");
  const succeeds = (output: Float32Array) => insertion.answered(output, others) === target;
  return { target, flagged, failing: await brokenTests(suspect, others, filled, succeeds) };
}
