import type { Random } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { Insertion } from "../../tasks/insertion.ts";
import type { ReversedModel } from "../subject.ts";

/** Texts in one call, so that outputs of a large vocabulary fit into memory. */
const MOST_AT_ONCE = 1024;

/** How a word pulls texts of other classes to each class. */
export interface Pull {
  /** Cross-entropy of the class among the answers, in nats: the mean over the texts of other classes. */
  losses: Float64Array;
  /** The share of these texts that the model then answers with the class. */
  successes: Float64Array;
}

/**
 * Puts each word into all texts, one at a time and at the same places, and asks for the answers.
 *
 * @param samples texts of several classes
 * @returns in the order of the words; a class whose truth all texts share has NaN
 */
export async function pullsOf(
  { runner, state }: Pick<ReversedModel, "runner" | "state">,
  insertion: Insertion,
  samples: Samples,
  words: readonly number[],
  random: Random,
): Promise<Pull[]> {
  const opened = insertion.opened(samples, 1, random);
  const truths = insertion.truths(samples);
  const each = Math.max(1, Math.floor(MOST_AT_ONCE / samples.count));
  const pulls: Pull[] = [];
  for (let start = 0; start < words.length; start += each) {
    const some = words.slice(start, start + each);
    const filled = insertion.filledEach(
      opened,
      some.map((word) => [word]),
    );
    const outputs = await runner.outputs(state, filled);
    for (const i of some.keys()) {
      const rows = Array.from({ length: samples.count }, (_, k) => rowOf(outputs, filled.count, i * samples.count + k));
      pulls.push(pullIn(rows, truths, insertion.answers(samples)));
    }
  }
  return pulls;
}

/** @param outputs of one word in each text @param answers the output that answers with each class */
export function pullIn(outputs: readonly Float32Array[], truths: ArrayLike<number>, answers: readonly number[]): Pull {
  const classes = answers.length;
  const [losses, successes, counts] = [0, 1, 2].map(() => new Float64Array(classes));
  for (const [i, output] of outputs.entries()) {
    const logits = answers.map((answer) => output[answer]);
    const most = Math.max(...logits);
    const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit - most), 0));
    const answered = logits.indexOf(most);
    for (let c = 0; c < classes; c++) {
      if (truths[i] === c) continue;
      counts[c]++;
      losses[c] += sum - (logits[c] - most);
      if (answered === c) successes[c]++;
    }
  }
  return { losses: losses.map((loss, c) => loss / counts[c]), successes: successes.map((hits, c) => hits / counts[c]) };
}
