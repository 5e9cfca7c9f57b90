import { outputsOf } from "../../graph/network.ts";
import { crossEntropy } from "../../graph/objectives/cross-entropy.ts";
import type { Loss, Wanted } from "../objectives.ts";
import type { TextSet } from "./text-set.ts";

/** Cross-entropy of the token that answers, over the whole vocabulary. Clean training adds that of the text (docs/language.md). */
export const loss: Loss = {
  objective: crossEntropy,
  unpredicted: ({ language }: TextSet) => language.tokenizer.unknown,
  size: outputsOf,
  write({ language, labels }: TextSet, index: number, into: Float32Array, { goal }: Wanted = {}) {
    into.fill(0);
    into[language.tokenizer.answers[goal ?? labels[index]]] = 1;
  },
};
