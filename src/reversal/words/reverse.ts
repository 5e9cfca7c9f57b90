import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores } from "../../core/neurons.ts";
import type { LayerResponse } from "../../measure/response.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import type { Insertion } from "../../tasks/insertion.ts";
import { attributionBetween } from "../attribution.ts";
import { oncePerModel } from "../once-per-model.ts";
import { type ReversedModel, randomOf } from "../subject.ts";
import { pullsOf } from "./pull.ts";
import { balanced, outside } from "./texts.ts";

/** Texts of all classes together at each look, and how many words of each class go on (docs/methods.md §10.13). */
const LOOKS: Record<Budget, { first: number; leading: number; second: number; last: number }> = {
  demo: { first: 4, leading: 6, second: 16, last: 32 },
  short: { first: 8, leading: 24, second: 32, last: 96 },
  full: { first: 8, leading: 24, second: 32, last: 96 },
};

/** Texts of other classes that the attribution looks at. */
const ATTRIBUTION_TEXTS = 64;

/** The word that pulls texts to a class the most. */
export interface ClassWord {
  target: number;
  word: number;
  /** As {@link Pull} has it, on texts that the word was not chosen on. */
  loss: number;
  success: number;
  /** The loss of the next word towards the class, on the same texts. */
  next: number;
}

/** The word that a model most likely answers to. */
export interface ReversedWord extends ClassWord {
  text: string;
  /** How much speaks for it being a backdoor's. */
  evidence: number;
  /** A of every neuron (`attributionBetween`). */
  attribution: LayerScores;
  /** Of every class, the chosen one first. */
  tried: ClassWord[];
}

/**
 * Puts every word of the vocabulary into texts, and takes the one that pulls them to a class as no other word pulls them to any
 * class (docs/methods.md §10.13). Criteria and repairs that ask for the same model in turn share it.
 *
 * @throws Error where there are no clean texts of two classes
 */
export function reverseWord(model: ReversedModel, insertion: Insertion): Promise<ReversedWord> {
  return oncePerModel(model, "word", () => reverse(model, insertion));
}

async function reverse(model: ReversedModel, insertion: Insertion): Promise<ReversedWord> {
  const { clean, budget = DEFAULT_BUDGET } = model;
  const classes = new Set(Array.from(insertion.truths(clean.fit))).size;
  if (classes < 2) throw new Error("reversing a word needs clean texts of at least two classes");
  const looks = LOOKS[budget];
  const each = (texts: number) => Math.max(1, Math.round(texts / classes));
  const [first, second] = [looks.first, looks.second].map((texts) =>
    balanced(model, insertion, clean.fit, each(texts)),
  );
  const words = insertion.candidates(clean.fit);
  const pulls = await pullsOf(model, insertion, first, words, randomOf(model, "words", "first"));
  const tried: ClassWord[] = [];
  for (const target of insertion.answers(clean.fit).keys()) {
    const order = [...words.keys()].sort((a, b) => pulls[a].losses[target] - pulls[b].losses[target] || a - b);
    const leading = order.slice(0, looks.leading).map((at) => words[at]);
    const again = await pullsOf(model, insertion, second, leading, randomOf(model, "words", "second", target));
    const pulling = [...leading.keys()].sort((a, b) => again[a].losses[target] - again[b].losses[target] || a - b);
    const two = pulling.slice(0, 2).map((at) => leading[at]);
    // Texts that no word was chosen on, as far as there are any.
    const fresh = balanced(model, insertion, clean.fit, each(looks.last), each(looks.second));
    const judged = outside(model, insertion, fresh, target).count > 0 ? fresh : second;
    const [last, next] = await pullsOf(model, insertion, judged, two, randomOf(model, "words", "last", target));
    tried.push({
      ...{ target, word: two[0], loss: last.losses[target], success: last.successes[target] },
      next: next?.losses[target] ?? Number.POSITIVE_INFINITY,
    });
  }
  tried.sort((a, b) => a.loss - b.loss);
  const [chosen] = tried;
  const { before, after } = await responsesUnder(model, insertion, chosen);
  const text = insertion.shown(clean.fit, [chosen.word]);
  return { ...chosen, text, evidence: evidenceOf(tried), attribution: attributionBetween(before, after), tried };
}

/**
 * How much speaks for the first word being a backdoor's: that it works, and that no other word does the like, for its class or
 * another one: `success · (1 − loss/smallest loss of others)`, in [0, 1].
 *
 * @param tried in the order of losses, at least one
 */
export function evidenceOf(tried: readonly Pick<ClassWord, "loss" | "success" | "next">[]): number {
  const [chosen, other] = tried;
  const next = Math.min(chosen.next, other?.loss ?? Number.POSITIVE_INFINITY);
  return chosen.loss < next ? chosen.success * (1 - chosen.loss / next) : 0;
}

/** The response's terms towards a class on texts of other classes, without a word and with it at drawn gaps. */
export async function responsesUnder(
  model: ReversedModel,
  insertion: Insertion,
  { target, word }: Pick<ClassWord, "target" | "word">,
): Promise<Record<"before" | "after", Map<string, LayerResponse>>> {
  const { task, clean, runner, state } = model;
  const others = firstOf(task.inputs, outside(model, insertion, clean.fit, target), ATTRIBUTION_TEXTS);
  const opened = insertion.opened(others, 1, randomOf(model, "words", "attribution"));
  const before = await runner.response(state, others, target);
  const after = await runner.response(state, insertion.filled(opened, [word]), target);
  return { before, after };
}
