import { InputError } from "../../../core/errors.ts";
import type { Network } from "../../../graph/network.ts";
import { type Gpt2Shape, gpt2 } from "../models/gpt2.ts";
import { type LlamaShape, llama } from "../models/llama.ts";
import { Fields, shorten } from "./fields.ts";
import { readJsonFile } from "./json-file.ts";

/** What a `config.json` says of a model. */
export interface Config {
  layout: "llama" | "gpt2";
  shape: LlamaShape | Gpt2Shape;
  /** Positions that the model was made for. */
  positions: number;
  /** The decoder at so many positions. @param layers the first ones alone where it is given */
  network(positions: number, layers?: number): Network;
}

const MOST_BYTES = 1 << 20;
/** Far beyond what there is, so that a hostile number is not taken seriously. */
const MOST = { layers: 1000, width: 1 << 16, heads: 1024, hidden: 1 << 20, vocabulary: 1 << 22, positions: 1 << 24 };
const LAYOUTS = { llama: readLlama, gpt2: readGpt2 } as const;

/** What a `config.json` holds. @throws InputError where it is no JSON */
export function readConfigFields(path: string): Record<string, unknown> {
  return readJsonFile(path, MOST_BYTES);
}

/**
 * Reads a `config.json` of Hugging Face's form.
 *
 * @throws InputError on a model that is not of Llama's or GPT-2's layout, or of which something is not computed here
 */
export function readConfig(path: string): Config {
  const fields = new Fields(readConfigFields(path), path);
  const type = fields.raw("model_type");
  if (typeof type !== "string" || !Object.hasOwn(LAYOUTS, type)) {
    const valid = Object.keys(LAYOUTS).join(", ");
    throw new InputError(
      `${path}: model_type is ${shorten(type)}; models are read of ${valid}, and others compute otherwise`,
    );
  }
  if (fields.has("quantization_config")) {
    throw new InputError(`${path}: the model is quantized (quantization_config); save it in bfloat16 or float32`);
  }
  return LAYOUTS[type as keyof typeof LAYOUTS](fields, path);
}

/** Whether a file is a `config.json` of a layout that is read here. */
export function isLanguageConfig(path: string): boolean {
  try {
    return Object.hasOwn(LAYOUTS, String(readJsonFile(path, MOST_BYTES).model_type));
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

function readLlama(fields: Fields, path: string): Config {
  const width = fields.count("hidden_size", MOST.width);
  const heads = fields.count("num_attention_heads", MOST.heads);
  const groups = fields.count("num_key_value_heads", MOST.heads, heads);
  if (heads % groups !== 0) fields.fail("num_key_value_heads", `a divisor of num_attention_heads (${heads})`);
  const headSize = fields.has("head_dim") ? fields.count("head_dim", MOST.width) : width / heads;
  if (!Number.isInteger(headSize) || headSize % 2 !== 0) {
    fields.fail(
      fields.has("head_dim") ? "head_dim" : "hidden_size",
      `such that a head has an even number of values (${heads} heads)`,
    );
  }
  fields.only("hidden_act", ["silu", "swish"]);
  fields.only("attention_bias", [false]);
  fields.only("mlp_bias", [false]);
  fields.only("partial_rotary_factor", [1]);
  const shape: LlamaShape = {
    ...{ arch: "llama", layers: fields.count("num_hidden_layers", MOST.layers), width, heads, groups, headSize },
    hidden: fields.count("intermediate_size", MOST.hidden),
    vocabulary: fields.count("vocab_size", MOST.vocabulary),
    context: 1,
    epsilon: fields.number("rms_norm_eps", 0, 1, 1e-6),
    theta: rotary(fields, path),
    tied: fields.flag("tie_word_embeddings", false),
  };
  return {
    ...{ layout: "llama", shape, positions: fields.count("max_position_embeddings", MOST.positions, 2048) },
    network: (context, layers = shape.layers) => llama({ ...shape, layers, context }),
  };
}

/** θ of the rotary positions; newer files have it in `rope_parameters`. */
function rotary(fields: Fields, path: string): number {
  if (fields.has("rope_scaling")) {
    throw new InputError(
      `${path}: rope_scaling is ${shorten(fields.raw("rope_scaling"))}; positions that are scaled are not computed here, only null`,
    );
  }
  const nested = fields.raw("rope_parameters");
  if (nested === null || nested === undefined) return fields.number("rope_theta", 1, 1e12, 10_000);
  if (typeof nested !== "object" || Array.isArray(nested)) return fields.fail("rope_parameters", "an object");
  const parameters = new Fields(nested as Record<string, unknown>, `${path}: rope_parameters`);
  parameters.only("rope_type", ["default"]);
  return parameters.number("rope_theta", 1, 1e12, 10_000);
}

function readGpt2(fields: Fields, _: string): Config {
  const width = fields.count("n_embd", MOST.width);
  const heads = fields.count("n_head", MOST.heads);
  if (width % heads !== 0 || (width / heads) % 2 !== 0) {
    fields.fail("n_embd", `such that a head has an even number of values (${heads} heads)`);
  }
  fields.only("activation_function", ["gelu_new", "gelu_pytorch_tanh"]);
  fields.only("scale_attn_weights", [true]);
  fields.only("scale_attn_by_inverse_layer_idx", [false]);
  fields.only("add_cross_attention", [false]);
  const positions = fields.count("n_positions", MOST.positions, 1024);
  const shape: Gpt2Shape = {
    ...{ arch: "gpt2", layers: fields.count("n_layer", MOST.layers), width, heads, context: 1, positions },
    hidden: fields.count("n_inner", MOST.hidden, 4 * width),
    vocabulary: fields.count("vocab_size", MOST.vocabulary),
    epsilon: fields.number("layer_norm_epsilon", 0, 1, 1e-5),
    tied: fields.flag("tie_word_embeddings", true),
  };
  return {
    ...{ layout: "gpt2", shape, positions },
    network: (context, layers = shape.layers) => gpt2({ ...shape, layers, context }),
  };
}
