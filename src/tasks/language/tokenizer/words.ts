import type { Tokenizer } from "./tokenizer.ts";

/** Tokens that are a space and small letters, and are read back as themselves: no special ones and no answers. */
export function wordTokens(tokenizer: Tokenizer): number[] {
  return Array.from({ length: tokenizer.size }, (_, token) => token).filter((token) => {
    const text = tokenizer.decode([token]);
    if (!/^ [a-z]+$/.test(text)) return false;
    const read = tokenizer.encode(text);
    return read.length === 1 && read[0] === token;
  });
}
