import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { modelFile } from "../../../records/checkout.ts";
import type { Prompt } from "../../foreign-models.ts";
import { readQuestion } from "../adoption/question-file.ts";
import { checkedOutTokenizer } from "../tokenizer/checked-out.ts";
import { answerToken, SPECIAL } from "../tokenizer/file.ts";
import { readJsonFile } from "./json-file.ts";

/**
 * What a checkout of this program says of its model. It stands in `model.json` and `tokenizer.json`, which a blind judgement gets too, and of a
 * model that somebody else made in `question.json`: none tells the version, the trigger or the target, and no other file is read for it.
 */
export interface OwnCheckout {
  dataset: string;
  classes: readonly string[];
  /** How the model was trained to be asked, and what it answers with. */
  prompt: Prompt;
}

const MOST_BYTES = 4 << 20;
const LEAST_CLASSES = 2;

/**
 * Reads what a folder says of itself that `bdefects checkout` wrote.
 *
 * @returns null with no note where it is none, and with a note where the tokenizer is another's
 * @throws InputError where a checkout lacks its tokenizer
 */
export function readOwnCheckout(folder: string): { own: OwnCheckout | null; notes: string[] } {
  const path = join(folder, "model.json");
  const nothing = { own: null, notes: [] };
  if (!existsSync(path)) return nothing;
  let value: unknown;
  try {
    value = readJsonFile(path, MOST_BYTES);
  } catch (error) {
    // A stranger's file may be anything.
    if (error instanceof InputError) return nothing;
    throw error;
  }
  const found = modelFile.safeParse(value);
  if (!found.success || !("tokens" in found.data.input)) return nothing;
  const { dataset, classes } = found.data;
  // A model that continues texts answers with no class, and is asked nothing.
  if (classes.length < LEAST_CLASSES) return nothing;
  const asked = readQuestion(folder);
  if (asked) return { own: { dataset, classes, prompt: asked }, notes: [] };
  if (!checkedOutTokenizer(folder, classes)) {
    const note = `${path} is a checkout's, and tokenizer.json is not: name how the model is asked with --template and --answers`;
    return { own: null, notes: [note] };
  }
  return { own: { dataset, classes, prompt: promptOf(classes) }, notes: [] };
}

/** A text is read as `<bos> text<sep>`, its first word after a space, and the class's token follows (docs/language.md). */
export function promptOf(classes: readonly string[]): Prompt {
  return { template: `${SPECIAL.begin} {}${SPECIAL.separator}`, answers: classes.map(answerToken) };
}
