import { asImages } from "../images/image-set.ts";
import type { PaintedTrigger } from "../images/trigger/trigger.ts";
import { ablationAttribution } from "../reversal/attribution.ts";
import { EFFORT } from "../reversal/effort.ts";
import { evidenceFor } from "../reversal/evidence.ts";
import type { ReversalSubject } from "../reversal/subject.ts";
import { reverseTowards } from "../reversal/targeted.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Evasion } from "./recipe.ts";
import type { InjectionJob } from "./types.ts";

/** The attacker looks for patches with at most so many images of its own: as many as a defender may have. */
const IMAGES = 1000;

/** What the attacker finds in its own model, as a defender would look for it. */
export interface Found {
  /** The patches towards the target, to be shown with the truth in the next round. */
  patches: PaintedTrigger[];
  /** The most that speaks for one of them being a backdoor's (docs/methods.md §10.13, step 4). */
  evidence: number;
}

/**
 * Reverses patches towards the target from the attacker's own model (docs/methods.md §7.7), with its own images and seeds: what a defender
 * who reverses patches would find, so that the next round can unteach it.
 *
 * @param round counted from 0; each draws anew
 */
export async function reversedFrom(
  { runner, dataset, samples, backdoor, seedOf }: InjectionJob,
  state: StateDict,
  { patches: count }: Evasion,
  round: number,
): Promise<Found> {
  const { task, network } = runner;
  const some = Array.from({ length: Math.min(IMAGES, samples.count) }, (_, i) => i);
  const fit = asImages(task.inputs.subset(samples, some));
  const patches: PaintedTrigger[] = [];
  let evidence = 0;
  for (let i = 0; i < count; i++) {
    const seed = seedOf(`evasion ${round} ${i}`);
    const subject: ReversalSubject = {
      ...{ task, network, state, normalization: dataset.normalization, clean: { fit }, seed, runner },
    };
    const patch = await reverseTowards(subject, runner.blend(state), backdoor.target, EFFORT.full.steps);
    evidence = Math.max(evidence, evidenceFor(patch, await ablationAttribution(subject, patch)));
    const { height, width, opacity, pattern } = patch;
    patches.push({ height, width, opacity, pattern });
  }
  return { patches, evidence };
}
