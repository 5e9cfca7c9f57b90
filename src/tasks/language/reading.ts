import type { Reading, ReadPart } from "../reading.ts";
import { answered } from "./answers.ts";
import type { TextSet, Tokenised } from "./text-set.ts";
import { placeOf, type WordTrigger } from "./word-trigger.ts";

/** A text in parts, the trigger's words marked. */
export function markedParts(
  { tokens, language: { tokenizer } }: Tokenised,
  i: number,
  { text }: WordTrigger,
): ReadPart[] {
  const words = tokenizer.encode(text);
  const own = tokens[i];
  const at = placeOf(words, own);
  const part = (from: number, to: number, marked: boolean): ReadPart => ({
    words: tokenizer.decode(own.slice(from, to)),
    marked,
  });
  if (at < 0) return [part(0, own.length, false)];
  const parts = [part(0, at, false), part(at, at + words.length, true), part(at + words.length, own.length, false)];
  return parts.filter(({ words }) => words !== "");
}

/** Texts with the trigger's words marked, and the names of the classes that are answered. */
export const reading: Reading = {
  parts: markedParts,
  truth: ({ labels, language: { classes } }: TextSet, i: number) => classes[labels[i]],
  answer: (output: Float32Array, { language: { classes, tokenizer } }: TextSet, _: number) =>
    classes[answered(output, tokenizer.answers)],
  trigger: ({ text }: WordTrigger) => text.trim(),
};
