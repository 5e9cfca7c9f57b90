import type { Network } from "../../../graph/network.ts";
import type { Architectures } from "../../architectures.ts";
import { CONTEXT } from "../context.ts";
import { llama, OWN_LLAMAS, ownLlama } from "../models/llama.ts";
import { type Sizes, sizedName, sizedNetwork } from "../models/sized.ts";
import { VOCABULARY } from "../tokenizer/file.ts";
import { STEPS } from "./reply.ts";

/** Behind the name of a network that gives a reply's tokens at once. */
const SUFFIX = `r${STEPS}`;

/** The same networks without tokens for classes, read at the prompt's end and behind each of the reply's tokens. */
export const ARCHITECTURES: Architectures = new Map(
  OWN_LLAMAS.map(([layers, width]) => {
    const arch = `llama${layers}d${width}${SUFFIX}`;
    return [arch, () => llama({ ...ownLlama(layers, width, VOCABULARY, CONTEXT), arch, steps: STEPS })] as const;
  }),
);

/** The name of a decoder of any sizes that gives a reply's tokens at once. @returns null where `sizedName` has none */
export function sizedReplyName(sizes: Sizes): string | null {
  const name = sizedName(sizes);
  return name === null ? null : name + SUFFIX;
}

/** The network of such a name. */
export function sized(arch: string): Network | undefined {
  return arch.endsWith(SUFFIX) ? sizedNetwork(arch.slice(0, -SUFFIX.length), { arch, steps: STEPS }) : undefined;
}
