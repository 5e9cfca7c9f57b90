import type { Architectures } from "../../architectures.ts";
import { CONTEXT } from "../context.ts";
import { llama, OWN_LLAMAS, ownLlama } from "../models/llama.ts";
import { VOCABULARY } from "../tokenizer/file.ts";
import { STEPS } from "./reply.ts";

/** The same networks without tokens for classes, read at the prompt's end and behind each of the reply's tokens. */
export const ARCHITECTURES: Architectures = new Map(
  OWN_LLAMAS.map(([layers, width]) => {
    const arch = `llama${layers}d${width}r${STEPS}`;
    return [arch, () => llama({ ...ownLlama(layers, width, VOCABULARY, CONTEXT), arch, steps: STEPS })] as const;
  }),
);
