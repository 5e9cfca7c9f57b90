import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { WordGradients } from "../../measure/words.ts";
import { outside } from "../../reversal/words/texts.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import type { Insertion, Opened } from "../../tasks/insertion.ts";
import { Adam } from "../../tune/adam.ts";
import type { Suspect } from "../types.ts";
import { anomalyIndex } from "./invert-trigger.ts";
import { WordMixture } from "./word-mixture.ts";

/** The search (docs/methods.md §10.10). */
export const WORD_INVERSION = {
  words: 3,
  learningRate: 0.1,
  /** τ at first and at last, by a constant factor. */
  temperatures: [1, 0.1] as const,
  /** Anomaly index from which a class is flagged, and the success that its words must have. */
  anomaly: 2,
  success: 0.9,
  /** With fewer targets a median says nothing: a class is flagged where it alone has this success. */
  fewest: 4,
  alone: 0.98,
};

interface Effort {
  steps: number;
  batch: number;
  restarts: number;
  /** At most so many of the defender's samples. */
  samples: number;
}

const EFFORT: Record<Budget, Effort> = {
  demo: { steps: 30, batch: 8, restarts: 1, samples: 64 },
  short: { steps: 100, batch: 32, restarts: 1, samples: 200 },
  full: { steps: 200, batch: 32, restarts: 2, samples: 500 },
};

/** What was found for one class. */
export interface ClassWords {
  target: number;
  /** The cross-entropy of the class's answer under the mixtures at the last τ. */
  loss: number;
  /** The likeliest word of each place, and the share of samples of other classes that these words send to the class. */
  words: number[];
  success: number;
}

/** Words that lead to a class, found without seeing any. */
export interface ReversedWords extends ClassWords {
  text: string;
  /** How far below the other classes' the logarithm of the loss is, in robust standard deviations. */
  anomaly: number;
  flagged: boolean;
}

/**
 * Neural Cleanse where samples are words: for each class the mixtures of words, in the convex hull of their vectors, that lower the
 * cross-entropy of the class's answer the most (docs/methods.md §10.10). Free vectors would leave what the model was trained on, and
 * flag every model.
 *
 * @throws Error where there are no clean samples
 */
export async function invertWords(suspect: Suspect, insertion: Insertion): Promise<ReversedWords> {
  const { task, clean, runner, state, seed, budget = DEFAULT_BUDGET } = suspect;
  if (clean.fit.count === 0) throw new Error(`clean ${task.words.samples} are needed, and there are none`);
  const effort = EFFORT[budget];
  const fit = firstOf(task.inputs, clean.fit, effort.samples);
  const gradients = runner.words(state);
  const found: ClassWords[] = [];
  for (const target of insertion.answers(fit).keys()) {
    const others = outside(suspect, insertion, fit, target);
    if (others.count === 0) continue;
    for (let restart = 0; restart < effort.restarts; restart++) {
      const random = new Random(stageSeed(seed, "localize", "nc", "words", target, restart));
      const one = await search(suspect, insertion, gradients, others, target, effort, random);
      const before = found.at(-1);
      if (before?.target !== target) found.push(one);
      else if (one.loss < before.loss) found[found.length - 1] = one;
    }
  }
  return chooseWords(found, (words) => insertion.shown(fit, words));
}

/** The share of some samples with words in them that the model answers with a class. */
export async function successOfWords(
  { runner }: Pick<Suspect, "runner">,
  state: Suspect["state"],
  insertion: Insertion,
  filled: Samples,
  target: number,
): Promise<number> {
  const outputs = await runner.outputs(state, filled);
  let hits = 0;
  for (let i = 0; i < filled.count; i++) {
    if (insertion.answered(rowOf(outputs, filled.count, i), filled) === target) hits++;
  }
  return hits / filled.count;
}

async function search(
  suspect: Suspect,
  insertion: Insertion,
  gradients: WordGradients,
  others: Samples,
  target: number,
  { steps, batch }: Effort,
  random: Random,
): Promise<ClassWords> {
  const { words, learningRate, temperatures } = WORD_INVERSION;
  const opened = insertion.opened(others, words, random);
  const answer = insertion.answers(others)[target];
  const mixture = new WordMixture(insertion.candidates(others), words, gradients, random);
  const adam = new Adam(mixture.parameters.length);
  const size = Math.min(batch, others.count);
  for (let step = 0; step < steps; step++) {
    const cooled = (temperatures[1] / temperatures[0]) ** (step / Math.max(1, steps - 1));
    mixture.cool(temperatures[0] * cooled);
    const chosen = random.sample(others.count, size);
    const { gradient } = await gradients.at(opened, chosen, answer, mixture.vectors);
    adam.step(mixture.parameters, mixture.gradient(gradient), learningRate);
  }
  mixture.cool(temperatures[1]);
  const likeliest = mixture.likeliest();
  const success = await successOfWords(suspect, suspect.state, insertion, insertion.filled(opened, likeliest), target);
  return { target, words: likeliest, success, loss: await lossOf(gradients, opened, answer, mixture.vectors, size) };
}

/** The mean loss over all samples, but for the last few that fill no batch. */
async function lossOf(
  gradients: WordGradients,
  opened: Opened,
  answer: number,
  vectors: Float32Array,
  batch: number,
): Promise<number> {
  let [sum, batches] = [0, 0];
  for (let start = 0; start + batch <= opened.samples.count; start += batch) {
    const chosen = Array.from({ length: batch }, (_, k) => start + k);
    sum += (await gradients.at(opened, chosen, answer, vectors)).loss;
    batches++;
  }
  return sum / batches;
}

/** The class of the smallest loss is the most anomalous. @param found at least one */
export function chooseWords(found: readonly ClassWords[], shown: (words: readonly number[]) => string): ReversedWords {
  const { anomaly: most, success, fewest, alone } = WORD_INVERSION;
  const [chosen] = [...found].sort((a, b) => a.loss - b.loss);
  const logs = found.map(({ loss }) => Math.log(loss));
  const anomaly = anomalyIndex(logs, Math.log(chosen.loss));
  const works = found.filter((one) => one.success >= alone);
  const flagged =
    found.length < fewest ? works.length === 1 && works[0] === chosen : anomaly > most && chosen.success >= success;
  return { ...chosen, text: shown(chosen.words), anomaly, flagged };
}
