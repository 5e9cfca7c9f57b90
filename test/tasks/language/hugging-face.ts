import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../../../src/graph/network.ts";
import { glosses, glossMerges } from "../../../src/tasks/language/datasets/glosses.ts";
import { type Gpt2Shape, gpt2 } from "../../../src/tasks/language/models/gpt2.ts";
import { type LlamaShape, llama } from "../../../src/tasks/language/models/llama.ts";
import { tokenizerFile } from "../../../src/tasks/language/tokenizer/file.ts";
import { type Dtype, encodeTensors, type RawTensors, withValues } from "../../../src/tensor/safetensors.ts";
import type { StateDict } from "../../../src/tensor/state.ts";

/** Tokens of the tokenizer that test folders have. */
const VOCABULARY = 2056;

export const LLAMA: LlamaShape = {
  ...{ arch: "llama", layers: 3, width: 24, heads: 4, groups: 2, hidden: 40, vocabulary: VOCABULARY, context: 16 },
  ...{ epsilon: 1e-5, theta: 10_000, tied: true },
};
export const GPT2: Gpt2Shape = {
  ...{ arch: "gpt2", layers: 2, width: 24, heads: 4, hidden: 96, vocabulary: VOCABULARY, context: 16, positions: 64 },
  ...{ epsilon: 1e-5 },
};

export const NETWORKS: Record<"llama" | "gpt2", Network> = { llama: llama(LLAMA), gpt2: gpt2(GPT2) };

/** Small models' `config.json`, with fields in place of or beside theirs. */
export const CONFIGS = {
  llama: {
    ...{ model_type: "llama", hidden_size: 24, num_hidden_layers: 3, num_attention_heads: 4, num_key_value_heads: 2 },
    ...{ intermediate_size: 40, vocab_size: VOCABULARY, max_position_embeddings: 64, rms_norm_eps: 1e-5 },
    ...{ rope_theta: 10_000, rope_scaling: null, tie_word_embeddings: true, hidden_act: "silu" },
  },
  gpt2: {
    ...{ model_type: "gpt2", n_embd: 24, n_layer: 2, n_head: 4, n_inner: null, vocab_size: VOCABULARY },
    ...{ n_positions: 64, layer_norm_epsilon: 1e-5, activation_function: "gelu_new" },
  },
};

export interface Folder {
  config: object;
  state: StateDict;
  dtype?: Dtype;
  /** How many files the weights lie in; without it in `model.safetensors`. */
  shards?: number;
  /** The files' name of an entry. */
  rename?(key: string): string;
}

/** Writes a folder of Hugging Face's form. */
export function writeFolder(
  path: string,
  { config, state, dtype = "F32", shards, rename = (key) => key }: Folder,
): string {
  mkdirSync(path, { recursive: true });
  const write = (name: string, value: object) => writeFileSync(join(path, name), JSON.stringify(value));
  write("config.json", config);
  write("tokenizer.json", tokenizerFile(glossMerges(), glosses.classes));
  const entries = [...state].map(([key, { shape, data }]) => {
    const empty = { dtype, shape, bytes: new Uint8Array(0) };
    return [rename(key), withValues(empty, data)] as const;
  });
  const save = (name: string, tensors: RawTensors) => writeFileSync(join(path, name), encodeTensors(tensors));
  if (shards === undefined) {
    save("model.safetensors", new Map(entries));
    return path;
  }
  const map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const name = `model-${String(shard + 1).padStart(5, "0")}-of-${String(shards).padStart(5, "0")}.safetensors`;
    const own = entries.filter((_, i) => i % shards === shard);
    for (const [key] of own) map[key] = name;
    save(name, new Map(own));
  }
  write("model.safetensors.index.json", { metadata: {}, weight_map: map });
  return path;
}
