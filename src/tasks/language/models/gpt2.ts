import type { LayerNode, Network } from "../../../graph/network.ts";
import { TOKEN_CHANNELS } from "../../../graph/ops/embedding.ts";

/** What a model of GPT-2's layout is made of; the names of `config.json` are in brackets. */
export interface Gpt2Shape {
  arch: string;
  /** [n_layer] */
  layers: number;
  /** [n_embd] */
  width: number;
  /** [n_head] */
  heads: number;
  /** [n_inner], four times the width where it is null */
  hidden: number;
  /** [vocab_size] */
  vocabulary: number;
  /** Positions of a sequence. */
  context: number;
  /** Positions that there are vectors for [n_positions]. */
  positions: number;
  /** [layer_norm_epsilon] */
  epsilon: number;
  /** Whether the head shares the embedding's table, as it does where nothing is said [tie_word_embeddings]. */
  tied?: boolean;
  /** Tokens of an answer that are read at once; one where it is not given. */
  steps?: number;
}

/** A decoder of GPT-2's layout (Radford et al. 2019), its entries named as by Hugging Face's `GPT2LMHeadModel`. */
export function gpt2({
  arch,
  layers,
  width,
  heads,
  hidden,
  vocabulary,
  context,
  positions,
  epsilon,
  tied = true,
  steps,
}: Gpt2Shape): Network {
  const several = steps === undefined ? {} : { steps };
  const table = "transformer.wte";
  const nodes: LayerNode[] = [
    { op: "input", id: "input" },
    { op: "embedding", id: table, input: "input", vocabulary, width, from: "ids" },
    { op: "positions", id: "transformer.wpe", input: table, width, most: positions },
  ];
  const deviation = 0.02 / Math.sqrt(2 * layers);
  const norm = (id: string, input: string): LayerNode => ({ op: "layernorm", id, input, width, epsilon });
  let current = "transformer.wpe";
  for (let layer = 0; layer < layers; layer++) {
    const name = `transformer.h.${layer}`;
    const [before, attended, after, feed, down] = ["ln_1", "attn", "ln_2", "mlp", "mlp.c_proj"].map(
      (part) => `${name}.${part}`,
    );
    nodes.push(
      norm(before, current),
      {
        ...{ op: "attention", id: attended, input: before, width, heads, groups: heads, headSize: width / heads },
        ...{ layout: "gpt2", deviation },
      },
      { op: "add", id: `${name}.attended`, inputs: [current, attended], relu: false },
      norm(after, `${name}.attended`),
      { op: "gelu", id: feed, input: after, width, hidden },
      { op: "projection", id: down, input: feed, hidden, out: width, bias: true, layout: "columns", deviation },
      { op: "add", id: name, inputs: [`${name}.attended`, down], relu: false },
    );
    current = name;
  }
  nodes.push(
    norm("transformer.ln_f", current),
    { op: "answer", id: "answer", inputs: ["transformer.ln_f", "input"], ...several },
    {
      ...{ op: "linear", id: "lm_head", input: "answer", out: vocabulary },
      unbiased: { weight: tied ? `${table}.weight` : "lm_head.weight", inputs: width, ...several },
    },
  );
  return {
    arch,
    input: { channels: TOKEN_CHANNELS, height: context, width: 1, tokens: true },
    classes: vocabulary * (steps ?? 1),
    nodes,
  };
}
