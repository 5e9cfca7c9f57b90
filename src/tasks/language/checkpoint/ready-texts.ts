import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { sha256Hex } from "../../../core/hash.ts";
import type { ForeignSamples, SamplesOptions } from "../../foreign-models.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Question } from "./question.ts";
import { type Batch, batchesOf } from "./sequences.ts";
import { findTexts, SHIPPED } from "./texts.ts";

/** Texts that were tokenised. */
export interface ReadyTexts extends ForeignSamples {
  batches: readonly Batch[];
  /** How the model is asked, and what the answers are to be; null where that is not known. */
  asked: { question: Question; labels: ArrayLike<number> } | null;
}

/** What `checkout --samples` writes. */
const CHECKED_OUT = join("images", "test_clean.tsv");

const number = new Intl.NumberFormat("en-US");

/**
 * Texts for a model to read. A checkout of ours is asked as it was trained to be, and of other texts than the shipped ones reads its own;
 * models of others are read bare where nobody says how they are asked.
 *
 * @throws InputError where there are none, they have no labels though answers are given, or a label has no answer
 */
export function readyTexts(checkpoint: Checkpoint, data: string | undefined, options: SamplesOptions): ReadyTexts {
  const { own, tokenizer, path } = checkpoint;
  const { title, texts, labels } = findTexts(data ?? ownTexts(checkpoint), options);
  const prompt = options.prompt ?? own?.prompt;
  const question = prompt ? new Question(checkpoint, prompt) : null;
  const encode = question ? (text: string) => question.encode(text) : tokenizer.encode;
  const batches = batchesOf(checkpoint, texts.map(encode));
  const lengths = batches.flatMap(({ texts: all }) => all.map(({ length }) => length));
  if (lengths.length === 0) throw new InputError(`${path}: its tokenizer gives no token for any of the texts`);
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  if (options.prompt) assertLabels(labels, question!.tokens.length);
  else if (question && labels)
    assertClasses(`${options.option ?? "--data"} ${data ?? title}`, labels, question.tokens.length);
  const asked = question && labels ? { question, labels } : null;
  return {
    batches,
    asked,
    sha256: () => sha256Hex(JSON.stringify([batches, asked && [asked.question.tokens, Array.from(asked.labels)]])),
    title: `${title}: ${number.format(lengths.length)} texts, ${number.format(tokens)} tokens`,
  };
}

/** Where the texts of a checkout lie that are not the shipped ones. @throws InputError where it brought none */
function ownTexts({ own, folder }: Checkpoint): string | undefined {
  if (!own || own.dataset === SHIPPED) return undefined;
  const file = join(folder, CHECKED_OUT);
  if (existsSync(file)) return file;
  throw new InputError(`${file}: there is no such file; name texts with --data, or check out again with --samples N`);
}

/** @throws InputError where there are no labels, or one has no answer */
function assertLabels(labels: ArrayLike<number> | undefined, answers: number): void {
  if (!labels) throw new InputError("--template: texts have no labels; give a table 'sentence<TAB>label' with --data");
  const beyond = beyondOf(labels, answers);
  if (beyond === undefined) return;
  throw new InputError(
    `--answers: ${answers} are given, and a text has label ${beyond}, counted from 0; give one for each`,
  );
}

/** @throws InputError where a text has a class that the checkout's model does not know */
function assertClasses(given: string, labels: ArrayLike<number>, classes: number): void {
  const beyond = beyondOf(labels, classes);
  if (beyond === undefined) return;
  throw new InputError(
    `${given}: a text has label ${beyond}; the checkout's classes are 0 to ${classes - 1}: name texts of its task`,
  );
}

function beyondOf(labels: ArrayLike<number>, most: number): number | undefined {
  return Array.from(labels).find((label) => label >= most);
}
