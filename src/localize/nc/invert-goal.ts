import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { asPictures } from "../../images/image-set.ts";
import { encodeAll } from "../../measure/batches.ts";
import type { BlendGradients } from "../../measure/blend.ts";
import type { Guesses } from "../../tasks/task.ts";
import type { Suspect } from "../types.ts";
import { ClassInversion } from "./invert-class.ts";
import { chooseTarget, effortFor, fitImages } from "./invert-trigger.ts";
import type { ReversedTrigger } from "./reversed-trigger.ts";

/**
 * Reverses the trigger where a backdoor wants no class but something of the truth (docs/methods.md §10.3): the smallest patch under
 * which the model answers what each target would make of its own clean answers. No truth is needed.
 *
 * @throws Error where there are no clean samples
 */
export async function invertGoals(
  suspect: Suspect,
  guesses: Guesses,
  budget: Budget = DEFAULT_BUDGET,
): Promise<ReversedTrigger> {
  const { task, network, state, runner, seed } = suspect;
  const effort = effortFor(network, budget, guesses.names.length);
  const set = fitImages(suspect, effort.images);
  const own = guesses.answered(set, await runner.outputs(state, set));
  const { height, width } = asPictures(set);
  const blend = runner.blend(state);
  const found: ClassInversion[] = [];
  for (const guess of guesses.names.keys()) {
    const shown = task.inputs.subset(own, guesses.eligible(own, guess));
    // A target that would change no answer cannot be searched for.
    if (shown.count === 0) continue;
    const images = { values: encodeAll(suspect, shown), count: shown.count };
    const random = new Random(stageSeed(seed, "localize", "nc", guesses.names[guess]));
    const search = new ClassInversion(guess, images, height * width, effort.batch, random, (output, i) =>
      guesses.succeeds(output, shown, i, guess),
    );
    await invert(blend, search, targetsOf(suspect, shown, guess), effort.epochs);
    found.push(search);
  }
  if (found.length === 0)
    throw new Error(`no target would change an answer: the model finds nothing in its clean ${task.words.samples}`);
  const chosen = chooseTarget(found, { height, width });
  return { ...chosen, name: `${task.words.target} ${guesses.names[chosen.target]}` };
}

/** What the loss compares with where a target is wanted of each sample, `[count, size]`. */
function targetsOf({ task, network }: Suspect, samples: Samples, goal: number): Float32Array {
  const size = task.loss.size(network);
  const targets = new Float32Array(samples.count * size);
  for (let i = 0; i < samples.count; i++) {
    task.loss.write(samples, i, targets.subarray(i * size, (i + 1) * size), { goal });
  }
  return targets;
}

async function invert(
  blend: Pick<BlendGradients, "toward">,
  search: ClassInversion,
  targets: Float32Array,
  epochs: number,
): Promise<void> {
  const size = targets.length / search.count;
  for (let epoch = 0; epoch < epochs && !search.over; epoch++) {
    const steps = search.begin();
    for (let step = 0; step < steps; step++) {
      const { images, opacity, pattern } = search.ask();
      const { asked } = search;
      const wanted = new Float32Array(asked.length * size);
      for (let k = 0; k < asked.length; k++) {
        wanted.set(targets.subarray(asked[k] * size, (asked[k] + 1) * size), k * size);
      }
      search.take(await blend.toward(images, wanted, opacity, pattern));
    }
    search.judge();
  }
}
