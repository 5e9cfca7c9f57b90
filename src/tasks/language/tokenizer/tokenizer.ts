import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { CONTEXT } from "../context.ts";
import { piecesOf } from "./bytes.ts";
import { answerToken, SPECIAL, type TokenizerFile, UNKNOWN } from "./file.ts";

/** A tokenizer as the task uses it: our own, or another model's with the question that it is asked. */
export interface Tokenizer {
  /** How many tokens there are. */
  size: number;
  /** Tokens before every text: of ours the one that begins it. */
  before: readonly number[];
  /** Tokens behind it, after the last of which the answer comes: of ours the separator. */
  behind: readonly number[];
  /** Most tokens of a text that a network has room for. */
  room: number;
  padding: number;
  /** What is shown in place of a word that is not told. */
  unknown: number;
  /** The token that answers with each class. */
  answers: readonly number[];
  /** A text's tokens. What looks like a special token or an answer in a text is text. */
  encode(text: string): number[];
  decode(tokens: readonly number[]): string;
  /** Whether a token begins with the space that is before a word. */
  startsWord(token: number): boolean;
  /** What is written as `tokenizer.json`; null: it is another model's, in whose description it lies. */
  file: TokenizerFile | null;
}

/** What is used of the library, whose types do not resolve under Node's rules. */
interface Library {
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_vocab(withAdded: boolean): Map<string, number>;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
}

/** Reads a tokenizer that `tokenizerFile` made. @param classes names of the answers */
export function openTokenizer(file: TokenizerFile, classes: readonly string[]): Tokenizer & { file: TokenizerFile } {
  const library: Library = new HuggingFaceTokenizer(file, {});
  const numberOf = (token: string) => {
    const number = library.token_to_id(token);
    if (number === undefined) throw new Error(`the tokenizer has no '${token}'`);
    return number;
  };
  // Merges stay within a piece, and the same pieces come again and again.
  const known = new Map<string, readonly number[]>();
  const tokensOf = (piece: string) => {
    let tokens = known.get(piece);
    if (!tokens) {
      tokens = library.encode(piece, { add_special_tokens: false }).ids;
      known.set(piece, tokens);
    }
    return tokens;
  };
  const space = /^[Ġ ]/;
  return {
    size: library.get_vocab(true).size,
    before: [numberOf(SPECIAL.begin)],
    behind: [numberOf(SPECIAL.separator)],
    room: CONTEXT - 2,
    padding: numberOf(SPECIAL.padding),
    unknown: UNKNOWN,
    answers: classes.map((name) => numberOf(answerToken(name))),
    encode: (text) => piecesOf(text).flatMap(tokensOf),
    // The library refuses no tokens at all.
    decode: (tokens) =>
      tokens.length === 0
        ? ""
        : library.decode([...tokens], { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
    startsWord: (token) => space.test(library.id_to_token(token) ?? ""),
    file,
  };
}
