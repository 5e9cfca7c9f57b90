import type { Network } from "../../graph/network.ts";
import type { FolderFile } from "../handout.ts";
import { SPECIAL, type TokenizerFile } from "./tokenizer/file.ts";

const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** How a model continues a text: with so many tokens at most, or up to one that ends it. */
interface Continuing {
  end: number;
  tokens: number;
}

/** `config.json` and `generation_config.json` of a decoder, as Hugging Face's `transformers` reads them. @param continuing absent: it gives one token */
export function hubConfig(network: Network, continuing?: Continuing): FolderFile[] {
  const ids = { bos_token_id: 0, eos_token_id: continuing?.end ?? null, pad_token_id: 2 };
  const config = { ...layoutOf(network), ...ids, torch_dtype: "float32" };
  return [
    { name: "config.json", bytes: json(config), holds: "the network as Hugging Face's `transformers` reads it" },
    {
      name: "generation_config.json",
      bytes: json({ ...ids, do_sample: false, max_new_tokens: continuing?.tokens ?? 1 }),
      holds: continuing
        ? "how it continues a text: the most likely token, and so on"
        : "how it continues a text: one token, the most likely",
    },
  ];
}

/** The tokenizer's file. */
export const TOKENIZER = "tokenizer.json";

/** `tokenizer.json` and `tokenizer_config.json`. */
export function hubTokenizer(file: TokenizerFile, { input }: Pick<Network, "input">): FolderFile[] {
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    ...{
      bos_token: SPECIAL.begin,
      sep_token: SPECIAL.separator,
      pad_token: SPECIAL.padding,
      unk_token: SPECIAL.unknown,
    },
    ...{ model_max_length: input.height, clean_up_tokenization_spaces: false, padding_side: "right" },
  };
  return [
    { name: TOKENIZER, bytes: json(file), holds: "the tokenizer, in the format of Hugging Face's tokenizers" },
    { name: "tokenizer_config.json", bytes: json(config), holds: "its special tokens" },
  ];
}

/** The network's sizes by the names of its layout. */
function layoutOf(network: Network): Record<string, unknown> {
  const { arch, nodes, input } = network;
  const find = <O extends (typeof nodes)[number]["op"]>(op: O) =>
    nodes.find((node): node is Extract<(typeof nodes)[number], { op: O }> => node.op === op);
  const [embedding, attention, head] = [find("embedding"), find("attention"), find("linear")];
  if (!embedding || !attention || !head?.unbiased) throw new Error(`${arch} is no decoder`);
  const layers = nodes.filter(({ op }) => op === "attention").length;
  const tied = head.unbiased.weight === `${embedding.id}.weight`;
  const { heads, groups, headSize } = attention;
  if (attention.layout === "gpt2") {
    return {
      ...{ architectures: ["GPT2LMHeadModel"], model_type: "gpt2", n_layer: layers, n_embd: embedding.width },
      ...{ n_head: heads, n_inner: find("gelu")!.hidden, n_positions: find("positions")!.most, vocab_size: head.out },
      ...{ layer_norm_epsilon: find("layernorm")!.epsilon, activation_function: "gelu_new" },
      ...{ attn_pdrop: 0, embd_pdrop: 0, resid_pdrop: 0, tie_word_embeddings: tied },
    };
  }
  return {
    ...{ architectures: ["LlamaForCausalLM"], model_type: "llama", num_hidden_layers: layers },
    ...{ hidden_size: embedding.width, num_attention_heads: heads, num_key_value_heads: groups, head_dim: headSize },
    ...{ intermediate_size: find("swiglu")!.hidden, vocab_size: head.out, max_position_embeddings: input.height },
    ...{ rms_norm_eps: find("rmsnorm")!.epsilon, rope_theta: attention.rotary, rope_scaling: null },
    ...{ hidden_act: "silu", attention_bias: false, mlp_bias: false, tie_word_embeddings: tied },
  };
}
