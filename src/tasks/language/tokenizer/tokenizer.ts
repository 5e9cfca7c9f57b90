import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { piecesOf } from "./bytes.ts";
import { answerToken, SPECIAL, type TokenizerFile } from "./file.ts";

/** A tokenizer as the task uses it: our own, which has special tokens and an answer for each class. */
export interface Tokenizer {
  /** How many tokens there are. */
  size: number;
  begin: number;
  separator: number;
  padding: number;
  /** The token that answers with each class. */
  answers: readonly number[];
  /** A text's tokens. What looks like a special token or an answer in a text is text. */
  encode(text: string): number[];
  decode(tokens: readonly number[]): string;
  /** Whether a token begins with the space that is before a word. */
  startsWord(token: number): boolean;
  file: TokenizerFile;
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
export function openTokenizer(file: TokenizerFile, classes: readonly string[]): Tokenizer {
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
    begin: numberOf(SPECIAL.begin),
    separator: numberOf(SPECIAL.separator),
    padding: numberOf(SPECIAL.padding),
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
