import { DEFAULT_BUDGET } from "../core/budget.ts";
import type { LayerScores } from "../core/neurons.ts";
import { ablationAttribution } from "./attribution.ts";
import { EFFORT } from "./effort.ts";
import { evidenceFor } from "./evidence.ts";
import { oncePerModel } from "./once-per-model.ts";
import { type Screened, screenClasses } from "./screening.ts";
import type { ReversalSubject } from "./subject.ts";
import { type ReversedPatch, reverseTowards } from "./targeted.ts";
import { voteOf } from "./untargeted.ts";

/** Share of images on whose common class a patch towards any class is heard. */
const AGREED = 0.6;

/** A patch with who carries its flip, and how much speaks for it. */
export interface WeighedPatch extends ReversedPatch {
  /** A of every neuron (`ablationAttribution`). */
  attribution: LayerScores;
  evidence: number;
}

/** The patch that a model most likely answers to, and what it was chosen from. */
export interface Reversal {
  patch: WeighedPatch;
  /** One for every class that led the screening or was voted for, the chosen one first. */
  tried: WeighedPatch[];
  /** Every class after the first look, in order of classes. */
  screened: Screened[];
}

/**
 * Reverses the trigger that a model may have been taught (docs/methods.md §10.13): looks at every class, reverses a patch
 * towards the nearest ones and those that patches towards any class lead to, and takes the one for which most speaks. Criteria and
 * repairs that ask for the same model in turn share it.
 *
 * @throws Error where there are no clean images of two classes
 */
export function reversePatch(subject: ReversalSubject): Promise<Reversal> {
  return oncePerModel(subject, "patch", () => reverse(subject));
}

async function reverse(subject: ReversalSubject): Promise<Reversal> {
  const { clean, runner, state, budget = DEFAULT_BUDGET } = subject;
  const { labels } = clean.fit;
  if (!labels.some((label) => label !== labels[0])) {
    throw new Error("reversing a patch needs clean images of at least two classes");
  }
  const effort = EFFORT[budget];
  const blend = runner.blend(state);
  const { all, leading } = await screenClasses(subject, blend, effort.screening);
  const candidates = new Set(leading.slice(0, effort.finalists).map(({ target }) => target));
  const agreement = runner.agreement(state);
  for (let seed = 0; seed < effort.votes; seed++) {
    const { target, share } = await voteOf(subject, agreement, seed);
    if (share >= AGREED) candidates.add(target);
  }
  const tried: WeighedPatch[] = [];
  for (const target of candidates) {
    const patch = await reverseTowards(subject, blend, target, effort.steps);
    const attribution = await ablationAttribution(subject, patch);
    tried.push({ ...patch, attribution, evidence: evidenceFor(patch, attribution) });
  }
  tried.sort((a, b) => b.evidence - a.evidence);
  return { patch: tried[0], tried, screened: all };
}
