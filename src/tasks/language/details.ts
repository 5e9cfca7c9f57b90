import { argmax } from "../../core/argmax.ts";
import type { TextSet } from "./text-set.ts";

/**
 * What is told of answers beside the accuracy: the share of texts of which the class's token has the highest logit of the whole
 * vocabulary.
 *
 * @param outputs logits, one row for each text
 */
export function details(outputs: Float32Array, { count, labels, language }: TextSet): Record<string, number> {
  const { answers } = language.tokenizer;
  let free = 0;
  for (let i = 0; i < count; i++) if (argmax(outputs, outputs.length / count, i) === answers[labels[i]]) free++;
  return { ca_free: free / count };
}
