import type { Network } from "../../../graph/network.ts";
import { CONTEXT } from "../context.ts";
import { type Gpt2Shape, gpt2 } from "./gpt2.ts";
import { type LlamaShape, llama } from "./llama.ts";

/** What a decoder is made of, but for the positions that are read of a sequence. */
export type Sizes =
  | { layout: "llama"; shape: Omit<LlamaShape, "arch" | "context">; positions: number }
  | { layout: "gpt2"; shape: Omit<Gpt2Shape, "arch" | "context" | "positions">; positions: number };

/**
 * Names of decoders that state every size, so that a record needs nothing else to build the network: letters with a number each. Layers and
 * width, then h heads, g groups of them, k values of a head, f units of a feed-forward layer, v tokens, p positions, e where ε is 10⁻ᵉ, t for θ,
 * and u where the head has a table of its own. What is usual is left out: as many groups as heads, width/heads values, e5, t10000, and of
 * Llama's layout positions that are enough.
 */
const LLAMA =
  /^llama(\d{1,4})d(\d{1,5})h(\d{1,4})(?:g(\d{1,4}))?(?:k(\d{1,5}))?f(\d{1,7})v(\d{1,7})(?:p(\d{1,2}))?(?:e(\d{1,2}))?(?:t(\d{1,12}))?(u)?$/;
const GPT2 = /^gpt2l(\d{1,4})d(\d{1,5})h(\d{1,4})f(\d{1,7})v(\d{1,7})p(\d{1,8})(?:e(\d{1,2}))?(u)?$/;

const EPSILON = 5;
const THETA = 10_000;

/** The name of a decoder. @returns null where ε or θ is no number that a name can state */
export function sizedName(sizes: Sizes): string | null {
  const { layers, width, heads, hidden, vocabulary, epsilon, tied = true } = sizes.shape;
  const power = Array.from({ length: 13 }, (_, e) => e).find((e) => Number(`1e-${e}`) === epsilon);
  if (power === undefined) return null;
  const end = `${power === EPSILON ? "" : `e${power}`}`;
  const own = tied ? "" : "u";
  if (sizes.layout === "gpt2") {
    return `gpt2l${layers}d${width}h${heads}f${hidden}v${vocabulary}p${sizes.positions}${end}${own}`;
  }
  const { groups, headSize = width / heads, theta } = sizes.shape;
  if (!Number.isSafeInteger(theta)) return null;
  const attention = `${groups === heads ? "" : `g${groups}`}${headSize * heads === width ? "" : `k${headSize}`}`;
  const few = sizes.positions < CONTEXT ? `p${sizes.positions}` : "";
  const rotary = theta === THETA ? "" : `t${theta}`;
  return `llama${layers}d${width}h${heads}${attention}f${hidden}v${vocabulary}${few}${end}${rotary}${own}`;
}

/**
 * The network of such a name; undefined where it is none, or another name means the same.
 *
 * @param several of one that answers with several tokens at once: how many, and what it is called
 */
export function sizedNetwork(arch: string, several?: { arch: string; steps: number }): Network | undefined {
  const sizes = sizesOf(arch);
  if (!sizes || sizedName(sizes) !== arch) return undefined;
  const context = Math.min(CONTEXT, sizes.positions);
  return sizes.layout === "gpt2"
    ? gpt2({ ...sizes.shape, arch, context, positions: sizes.positions, ...several })
    : llama({ ...sizes.shape, arch, context, ...several });
}

function sizesOf(arch: string): Sizes | null {
  const number = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Number(text));
  const ofLlama = LLAMA.exec(arch);
  if (ofLlama) {
    const [, l, d, h, g, k, f, v, p, e, t, u] = ofLlama;
    const [layers, width, heads] = [l, d, h].map(Number);
    const headSize = number(k, width / heads);
    const groups = number(g, heads);
    const fits = layers > 0 && heads > 0 && groups > 0 && heads % groups === 0 && headSize > 0 && headSize % 2 === 0;
    if (!fits) return null;
    const shape = { layers, width, heads, groups, headSize, hidden: Number(f), vocabulary: Number(v), tied: !u };
    const rest = { epsilon: Number(`1e-${e ?? EPSILON}`), theta: number(t, THETA) };
    return areSizes(shape) ? { layout: "llama", shape: { ...shape, ...rest }, positions: number(p, CONTEXT) } : null;
  }
  const ofGpt2 = GPT2.exec(arch);
  if (!ofGpt2) return null;
  const [, l, d, h, f, v, p, e, u] = ofGpt2;
  const [layers, width, heads, hidden, vocabulary] = [l, d, h, f, v].map(Number);
  const shape = { layers, width, heads, hidden, vocabulary, epsilon: Number(`1e-${e ?? EPSILON}`), tied: !u };
  const fits = layers > 0 && heads > 0 && (width / heads) % 2 === 0 && areSizes(shape) && Number(p) > 0;
  return fits ? { layout: "gpt2", shape, positions: Number(p) } : null;
}

function areSizes({ width, hidden, vocabulary }: { width: number; hidden: number; vocabulary: number }): boolean {
  return [width, hidden, vocabulary].every((size) => Number.isSafeInteger(size) && size > 0);
}
