import type { LayerNode, Network } from "../../../graph/network.ts";
import { TOKEN_CHANNELS } from "../../../graph/ops/embedding.ts";

/** What a model of Llama's layout is made of; the names of `config.json` are in brackets. */
export interface LlamaShape {
  arch: string;
  /** [num_hidden_layers] */
  layers: number;
  /** [hidden_size] */
  width: number;
  /** [num_attention_heads] */
  heads: number;
  /** Heads that share keys and values are one group [num_key_value_heads]. */
  groups: number;
  /** Values of a head, width/heads where it is not given [head_dim]. */
  headSize?: number;
  /** [intermediate_size] */
  hidden: number;
  /** [vocab_size] */
  vocabulary: number;
  /** Positions of a sequence [max_position_embeddings]. */
  context: number;
  /** [rms_norm_eps] */
  epsilon: number;
  /** [rope_theta] */
  theta: number;
  /** Whether the head shares the embedding's table [tie_word_embeddings]. */
  tied: boolean;
  /** Tokens of an answer that are read at once; one where it is not given. */
  steps?: number;
}

/** Numbers of a head's vector in our own models. */
const HEAD_SIZE = 32;

/** Layers and widths of our own models. */
export const OWN_LLAMAS = [
  [2, 64],
  [4, 128],
] as const;

/** Our own models by layers and width: heads of 32, a feed-forward layer of 8/3 of the width in whole sixteens, a tied head. */
export function ownLlama(layers: number, width: number, vocabulary: number, context: number): LlamaShape {
  const heads = width / HEAD_SIZE;
  return {
    arch: `llama${layers}d${width}`,
    ...{ layers, width, heads, groups: heads, vocabulary, context },
    hidden: Math.ceil((8 * width) / 3 / 16) * 16,
    epsilon: 1e-5,
    theta: 10_000,
    tied: true,
  };
}

/** A decoder of Llama's layout (Touvron et al. 2023), its entries named as by Hugging Face's `LlamaForCausalLM`. */
export function llama(shape: LlamaShape): Network {
  const { arch, layers, width, heads, groups, hidden, vocabulary, context, epsilon, theta, tied } = shape;
  const { steps } = shape;
  const several = steps === undefined ? {} : { steps };
  const headSize = shape.headSize ?? width / heads;
  const table = "model.embed_tokens";
  const nodes: LayerNode[] = [
    { op: "input", id: "input" },
    { op: "embedding", id: table, input: "input", vocabulary, width, from: "ids" },
  ];
  const deviation = 0.02 / Math.sqrt(2 * layers);
  const norm = (id: string, input: string): LayerNode => ({ op: "rmsnorm", id, input, width, epsilon });
  let current = table;
  for (let layer = 0; layer < layers; layer++) {
    const name = `model.layers.${layer}`;
    const [before, attended, after] = ["input_layernorm", "self_attn", "post_attention_layernorm"].map(
      (part) => `${name}.${part}`,
    );
    const [feed, down] = [`${name}.mlp`, `${name}.mlp.down_proj`];
    nodes.push(
      norm(before, current),
      {
        ...{ op: "attention", id: attended, input: before, width, heads, groups, headSize },
        ...{ layout: "llama", rotary: theta, deviation },
      },
      { op: "add", id: `${name}.attended`, inputs: [current, attended], relu: false },
      norm(after, `${name}.attended`),
      { op: "swiglu", id: feed, input: after, width, hidden },
      { op: "projection", id: down, input: feed, hidden, out: width, bias: false, layout: "rows", deviation },
      { op: "add", id: name, inputs: [`${name}.attended`, down], relu: false },
    );
    current = name;
  }
  const weight = tied ? `${table}.weight` : "lm_head.weight";
  nodes.push(
    norm("model.norm", current),
    { op: "answer", id: "answer", inputs: ["model.norm", "input"], ...several },
    { op: "linear", id: "lm_head", input: "answer", out: vocabulary, unbiased: { weight, inputs: width, ...several } },
  );
  return {
    arch,
    input: { channels: TOKEN_CHANNELS, height: context, width: 1, tokens: true },
    classes: vocabulary * (steps ?? 1),
    nodes,
  };
}
