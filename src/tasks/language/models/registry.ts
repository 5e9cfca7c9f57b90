import type { Architectures } from "../../architectures.ts";
import { CONTEXT } from "../context.ts";
import { VOCABULARY } from "../tokenizer/file.ts";
import { gpt2 } from "./gpt2.ts";
import { llama, OWN_LLAMAS, ownLlama } from "./llama.ts";

/** Our own networks; each class has a token that answers with it. They have no base width. */
export const ARCHITECTURES: Architectures = new Map([
  ...OWN_LLAMAS.map(([layers, width]) => {
    const make = (_: number, classes: number) => llama(ownLlama(layers, width, VOCABULARY + classes, CONTEXT));
    return [`llama${layers}d${width}`, make] as const;
  }),
  [
    "gpt2l4d128",
    (_: number, classes: number) =>
      gpt2({
        ...{ arch: "gpt2l4d128", layers: 4, width: 128, heads: 4, hidden: 512, vocabulary: VOCABULARY + classes },
        ...{ context: CONTEXT, positions: CONTEXT, epsilon: 1e-5 },
      }),
  ],
]);
