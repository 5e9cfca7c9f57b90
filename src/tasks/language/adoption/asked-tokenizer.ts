import { InputError } from "../../../core/errors.ts";
import { assertApart, joined, partsOfTemplate } from "../question.ts";
import { attempt, type Library, openLibrary, type TokenizerObjects } from "../tokenizer/library.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** How a recipe asks a model: text with one `{}` for a sample, and the answer that means each class. */
export interface Asked {
  template: string;
  answers: readonly string[];
}

/** A tokenizer of somebody's own model, by what its files hold. */
export interface AskedModel {
  /** Names the tokenizer in messages. */
  name: string;
  tokenizer: TokenizerObjects;
  /** The model's tokens. */
  vocabulary: number;
  /** Positions that are read of a sequence. */
  context: number;
  padding: number;
  /** Before the names of the question's parts in messages; absent: those of a recipe. */
  fields?: string;
}

/** What stands before all that is tokenised apart, since tokenizers treat the beginning of a text otherwise. */
const ANCHOR = "x";
/** Where a recipe states the question. */
const RECIPE = "clean.asked.";
/** A trigger of one word; it must begin as words do. */
const WORD = " cf";
/** So many tokens of a text must have room beside the template. */
const FEWEST = 16;

/**
 * The tokenizer of a model that is asked by a template. Template, texts and triggers are tokenised apart and follow each other as tokens, so that
 * words can be put into a text that was tokenised. Texts and answers follow a space as their first characters say; a space before `{}` is the text's.
 *
 * @throws InputError naming the recipe's field where the question cannot be asked
 */
export function askedTokenizer(model: AskedModel, { template, answers }: Asked): Tokenizer {
  const { name, vocabulary, context, padding, fields = RECIPE } = model;
  const library = openLibrary(name, model.tokenizer);
  const fault = (text: string) => new InputError(`${fields}${text}`);
  const [ahead, asks] = partsOfTemplate(template, `${fields}template`);
  if (asks.trim() === "") {
    throw fault(`template '${template}': nothing follows '{}'; end it with what asks for the answer, e.g. '{} Topic:'`);
  }
  const idsOf = (text: string) => encoded(library, name, text, false, vocabulary);
  const anchor = idsOf(ANCHOR);
  /** The tokens of a text behind another, whose own stay as they are; null where the two are joined. */
  const idsBehind = (before: string, text: string) => {
    const first = before === ANCHOR ? anchor : idsOf(before);
    const all = idsOf(before + text);
    return all.length > first.length && first.every((id, i) => id === all[i]) ? all.slice(first.length) : null;
  };
  const behindAnchor = (text: string) => {
    const ids = idsBehind(ANCHOR, text);
    if (ids) return ids;
    throw new InputError(
      `${name}: gives ${JSON.stringify(text.slice(0, 40))} other tokens behind a letter; such a tokenizer is not read`,
    );
  };
  const startsWord = (token: number) => /^[Ġ▁ ]/.test(library.id_to_token(token) ?? "");
  if (!startsWord(behindAnchor(WORD)[0])) {
    throw new InputError(`${name}: its tokens do not tell where a word begins (no 'Ġ' or '▁'); no words are put in`);
  }
  const own = ahead.replace(/ $/, "");
  const before = [...openingOf(library, name, vocabulary, anchor), ...(own === "" ? [] : idsOf(own))];
  const behind = behindAnchor(asks);
  const room = context - before.length - behind.length;
  if (room < FEWEST) {
    throw fault(
      `template: leaves ${Math.max(0, room)} of ${context} positions to a text, at least ${FEWEST} are needed; shorten it`,
    );
  }
  const firsts = answers.map((answer) => {
    const ids = idsBehind(ANCHOR + asks, answer);
    if (ids) return ids[0];
    throw joined(answer, `${fields}answers`);
  });
  assertApart(firsts, answers, `${fields}answers`);
  return {
    ...{ size: vocabulary, before, behind, room, padding, unknown: padding, answers: firsts, file: null, startsWord },
    encode: behindAnchor,
    decode(tokens) {
      if (tokens.length === 0) return "";
      const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
      const textOf = (ids: readonly number[]) => attempt(name, () => library.decode([...ids], options));
      // Some tokenizers put a space before the anchor.
      const [text, first] = [textOf([...anchor, ...tokens]), textOf(anchor)];
      return text.startsWith(first) ? text.slice(first.length) : text;
    },
  };
}

/** The special tokens that a tokenizer puts before every text. */
function openingOf(library: Library, name: string, vocabulary: number, anchor: readonly number[]): number[] {
  const whole = encoded(library, name, ANCHOR, true, vocabulary);
  const at = whole.findIndex((_, i) => anchor.every((id, k) => whole[i + k] === id));
  return whole.slice(0, Math.max(0, at));
}

/** @throws InputError where a token is none of the model's */
function encoded(library: Library, name: string, text: string, special: boolean, vocabulary: number): number[] {
  const { ids } = attempt(name, () => library.encode(text, { add_special_tokens: special }));
  const beyond = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary));
  if (beyond === undefined) return ids;
  throw new InputError(`${name}: gives token ${beyond}, and the model has ${vocabulary}: it is another model's`);
}
