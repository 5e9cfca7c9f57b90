import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { stateShapes } from "../../../src/graph/network.ts";
import { Checkpoint } from "../../../src/tasks/language/checkpoint/checkpoint.ts";
import { glosses, glossMerges } from "../../../src/tasks/language/datasets/glosses.ts";
import { languageOf } from "../../../src/tasks/language/language-of.ts";
import { llama } from "../../../src/tasks/language/models/llama.ts";
import type { Dtype } from "../../../src/tensor/safetensors.ts";
import type { StateDict } from "../../../src/tensor/state.ts";
import { randomState } from "../../graph/programs.ts";
import { temporaryFolder } from "../../store/temp.ts";
import { CONFIGS, LLAMA, NETWORKS, writeFolder } from "./hugging-face.ts";

const root = temporaryFolder();
let made = 0;
const newFolder = () => join(root, `model${made++}`);
const LLAMA_STATE = randomState(NETWORKS.llama, 1);

/** A small Llama with other fields in its configuration. */
const llamaFolder = (fields: object = {}, state: StateDict = LLAMA_STATE) =>
  writeFolder(newFolder(), { config: { ...CONFIGS.llama, ...fields }, state });

const edit = (path: string, change: (value: Record<string, never>) => void) => {
  const value = JSON.parse(readFileSync(path, "utf8"));
  change(value);
  writeFileSync(path, JSON.stringify(value));
};

/** The one line that opening a folder, and reading all of it, ends in. */
function refusal(folder: string): string {
  try {
    const checkpoint = new Checkpoint(folder);
    checkpoint.state(checkpoint.config.network(8));
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as InputError;
    expect(message).not.toContain("\n");
    expect(message).toContain(root);
    return message.replaceAll(root, "");
  }
  throw new Error("it was not refused");
}

describe("a folder of Hugging Face's form", () => {
  it.each([
    ["F32", 0],
    ["F16", 2 ** -10],
    ["BF16", 2 ** -7],
  ] as const)("gives back weights that were saved as %s, within half a step", (dtype: Dtype, step: number) => {
    const folder = writeFolder(newFolder(), { config: CONFIGS.llama, state: LLAMA_STATE, dtype });
    const checkpoint = new Checkpoint(folder);
    const state = checkpoint.state(NETWORKS.llama);
    expect([...state.keys()]).toEqual([...LLAMA_STATE.keys()]);
    for (const [key, { data }] of state) {
      const saved = LLAMA_STATE.get(key)!.data;
      for (let i = 0; i < data.length; i++) {
        const wrong = Math.abs(data[i] - saved[i]);
        if (wrong > (step / 2) * Math.abs(saved[i]) + 2 ** -25)
          expect.fail(`${key}[${i}]: ${data[i]}, not ${saved[i]}`);
      }
    }
    expect(checkpoint).toMatchObject({ types: [dtype], files: 1, notes: [] });
  });

  it("is read from shards as from one file, and an entry in parts as whole", () => {
    const folder = writeFolder(newFolder(), { config: CONFIGS.llama, state: LLAMA_STATE, shards: 3 });
    const checkpoint = new Checkpoint(folder);
    expect(checkpoint.files).toBe(3);
    expect(checkpoint.state(NETWORKS.llama)).toEqual(LLAMA_STATE);
    const part = new Float32Array(48);
    checkpoint.read("model.embed_tokens.weight", part, 24);
    expect(part).toEqual(LLAMA_STATE.get("model.embed_tokens.weight")!.data.slice(24, 72));
  });

  it("may have been saved without its head, with masks beside its weights, and a head that is the table", () => {
    const state = randomState(NETWORKS.gpt2, 2);
    const rename = (key: string) => key.replace(/^transformer\./, "");
    const beside: StateDict = new Map([
      ["transformer.h.0.attn.bias", { shape: [1, 1, 4, 4], data: new Float32Array(16) }],
      ["lm_head.weight", state.get("transformer.wte.weight")!],
      ["score.weight", { shape: [1], data: new Float32Array(1) }],
    ]);
    const config = CONFIGS.gpt2;
    const checkpoint = new Checkpoint(
      writeFolder(newFolder(), { config, state: new Map([...state, ...beside]), rename }),
    );
    expect(checkpoint.state(NETWORKS.gpt2)).toEqual(state);
    expect(checkpoint.layerName("transformer.h.1.mlp")).toBe("h.1.mlp");
    expect(checkpoint.notes).toEqual(["left aside, since no part of it: 'score.weight'"]);
  });

  it("says what a head is of that is not the width's share, and where newer files have θ", () => {
    const network = llama({ ...LLAMA, headSize: 8 });
    const fields = { head_dim: 8, rope_parameters: { rope_type: "default", rope_theta: 500 }, rope_theta: undefined };
    const folder = llamaFolder(fields, randomState(network, 3));
    const { config } = new Checkpoint(folder);
    expect(config.shape).toMatchObject({ headSize: 8, theta: 500 });
    expect(stateShapes(config.network(16))).toEqual(stateShapes(network));
  });

  it("tokenises by the library, special tokens included where the tokenizer adds them", () => {
    const { tokenizer } = new Checkpoint(llamaFolder());
    const plain = languageOf(glossMerges(), glosses.classes).tokenizer.encode(" a small cask");
    expect(tokenizer.encode(" a small cask")).toEqual(plain);
    const folder = llamaFolder();
    edit(join(folder, "tokenizer.json"), (file: Record<string, unknown>) => {
      const special = { SpecialToken: { id: "<bos>", type_id: 0 } };
      const tokens = { "<bos>": { id: "<bos>", ids: [0], tokens: ["<bos>"] } };
      const single = [special, { Sequence: { id: "A", type_id: 0 } }];
      file.post_processor = { type: "TemplateProcessing", single, pair: single, special_tokens: tokens };
    });
    const other = new Checkpoint(folder).tokenizer;
    expect(other.encode(" a small cask")).toEqual([0, ...plain]);
  });
});

describe("what is no such folder, or a hostile one, ends in one line", () => {
  const cases: [what: string, make: () => string, line: RegExp][] = [
    ["nothing there", newFolder, /no such file or folder/],
    ["a file", () => join(llamaFolder(), "config.json"), /is a file; a language model is the folder/],
    [
      "no configuration",
      () => {
        const folder = llamaFolder();
        rmSync(join(folder, "config.json"));
        return folder;
      },
      /has no config\.json.*download the whole folder/,
    ],
    [
      "another layout",
      () => llamaFolder({ model_type: "mistral" }),
      /model_type is "mistral"; models are read of llama, gpt2/,
    ],
    ["no layout", () => llamaFolder({ model_type: { toString: 1 } }), /model_type is \{"toString":1\}; .*llama, gpt2/],
    ["a layout of every object's", () => llamaFolder({ model_type: "constructor" }), /"constructor"; .*llama, gpt2/],
    [
      "scaled positions",
      () => llamaFolder({ rope_scaling: { type: "linear", factor: 2 } }),
      /rope_scaling is .*only null/,
    ],
    [
      "newer ones",
      () => llamaFolder({ rope_parameters: { rope_type: "llama3" } }),
      /rope_type is "llama3"; it must be "default"/,
    ],
    ["biases", () => llamaFolder({ attention_bias: true }), /attention_bias is true; it must be false/],
    [
      "another activation",
      () => llamaFolder({ hidden_act: "gelu" }),
      /hidden_act is "gelu"; it must be "silu" or "swish"/,
    ],
    ["quantized weights", () => llamaFolder({ quantization_config: {} }), /quantized.*save it in bfloat16/],
    [
      "a width of text",
      () => llamaFolder({ hidden_size: "24" }),
      /hidden_size is "24"; it must be a whole number from 1 to/,
    ],
    ["a width beyond all", () => llamaFolder({ hidden_size: 1e15 }), /hidden_size is 1000000000000000; it must be/],
    ["no layers", () => llamaFolder({ num_hidden_layers: null }), /num_hidden_layers is missing/],
    ["half a layer", () => llamaFolder({ num_hidden_layers: 1.5 }), /num_hidden_layers is 1\.5/],
    ["heads that do not divide", () => llamaFolder({ num_key_value_heads: 3 }), /num_key_value_heads is 3; .*divisor/],
    [
      "odd heads",
      () => llamaFolder({ num_attention_heads: 8, num_key_value_heads: 8 }),
      /hidden_size is 24; .*even number/,
    ],
    [
      "a flag of text",
      () => llamaFolder({ tie_word_embeddings: "no" }),
      /tie_word_embeddings is "no"; it must be true or false/,
    ],
    ["a configuration that is none", () => withFile("config.json", "[]"), /config\.json: is JSON, but no object/],
    ["a configuration that is cut", () => withFile("config.json", '{"model'), /config\.json: is not JSON/],
    ["a page in place of it", () => withFile("config.json", "<!doctype html><p>"), /config\.json: is a web page/],
    [
      "other shapes",
      () => llamaFolder({ intermediate_size: 48 }),
      /gate_proj\.weight' is \[40, 24\]; by config\.json it is \[48, 24\]/,
    ],
    [
      "more layers",
      () => llamaFolder({ num_hidden_layers: 4 }),
      /the weights lack 'model\.layers\.3\.input_layernorm\.weight'/,
    ],
    [
      "fewer layers",
      () => llamaFolder({ num_hidden_layers: 2 }),
      /the weights hold 'model\.layers\.2\.[^']+', which a model of config\.json has not/,
    ],
    [
      "an untied head that is not there",
      () => llamaFolder({ tie_word_embeddings: false }),
      /the weights lack 'lm_head\.weight'/,
    ],
    [
      "weights of NaN",
      () => llamaFolder({}, spoilt(Number.NaN)),
      /'model\.norm\.weight' holds NaN at index 2: no layer can compute/,
    ],
    ["weights beyond all", () => llamaFolder({}, spoilt(1e30)), /'model\.norm\.weight' holds 1e\+30 at index 2/],
    ["whole numbers as weights", wholeNumbers, /'model\.norm\.weight' is of I32; weights are floats/],
    ["a cut file", cut, /model\.safetensors: not a valid safetensors file: '.*' goes beyond the file's end; download/],
    ["an empty file", () => withFile("model.safetensors", ""), /not a valid safetensors file: only 0 bytes/],
    [
      "a pointer",
      () => withFile("model.safetensors", "version https://git-lfs.github.com/spec/v1\n"),
      /is a Git LFS pointer.*git lfs pull/,
    ],
    [
      "a header of 2^62 bytes",
      () => withHeader(2n ** 62n, ""),
      /its header's length \(4611686018427387904\) goes beyond the file/,
    ],
    [
      "a header of 64 MB",
      () => withHeader(64n << 20n, " ".repeat(64 << 20)),
      /its header's length \(67108864\) goes beyond/,
    ],
    ["a header that is no JSON", () => withHeader(4n, "{{{{"), /its header is not JSON/],
    [
      "a pickle alone",
      () => onlyFile("pytorch_model.bin"),
      /holds pytorch_model\.bin, a pickle, .*safe_serialization=True/,
    ],
    ["another form alone", () => onlyFile("model.gguf"), /holds model\.gguf and no model\.safetensors/],
    ["no weights", () => onlyFile("README.md"), /has neither model\.safetensors nor model\.safetensors\.index\.json/],
    [
      "a shard that is missing",
      () => shards((folder) => rmSync(join(folder, SECOND))),
      /00002-of-00003\.safetensors: is missing/,
    ],
    [
      "a shard outside",
      () => indexed("../model0/model.safetensors"),
      /lies in "\.\.\/model0\/model\.safetensors"; a shard is .*beside the index/,
    ],
    ["a shard by its path", () => indexed("/etc/passwd"), /lies in "\/etc\/passwd"; a shard is/],
    ["a shard of Windows' path", () => indexed("..\\x.safetensors"), /a shard is a \.safetensors file beside/],
    ["a shard that is a number", () => indexed(7), /lies in 7; a shard is/],
    [
      "a shard without the tensor",
      () => indexed("model-00001-of-00003.safetensors"),
      /lacks 'model\.embed_tokens\.weight'|lacks '/,
    ],
    [
      "an index without a map",
      () => shards((folder) => writeFileSync(join(folder, INDEX), "{}")),
      /weight_map is null; it must say/,
    ],
    ["no tokenizer", noTokenizer, /has no tokenizer\.json; make it with AutoTokenizer/],
    [
      "a tokenizer that is none",
      () => withFile("tokenizer.json", "{}"),
      /tokenizer\.json: is no tokenizer that can be read/,
    ],
    [
      "a tokenizer of an unknown kind",
      () => withFile("tokenizer.json", '{"model":{"type":"Nope","vocab":{}}}'),
      /is no tokenizer/,
    ],
    [
      "a GPT-2 of another activation",
      () => gpt2Folder({ activation_function: "relu" }),
      /activation_function is "relu"/,
    ],
    ["a GPT-2 of odd heads", () => gpt2Folder({ n_head: 5 }), /n_embd is 24; .*5 heads/],
  ];

  it.each(cases)("%s", (_, make, line) => {
    expect(refusal(make())).toMatch(line);
  });

  it("a tokenizer of a larger model", () => {
    const folder = llamaFolder();
    edit(join(folder, "tokenizer.json"), (file: Record<string, { vocab: Record<string, number> }>) => {
      file.model.vocab.Ġa = 5000;
    });
    expect(() => new Checkpoint(folder).tokenizer.encode(" a")).toThrow(/gives token 5000 .*another model's/);
  });
});

const SECOND = "model-00002-of-00003.safetensors";
const INDEX = "model.safetensors.index.json";

const gpt2Folder = (fields: object) =>
  writeFolder(newFolder(), { config: { ...CONFIGS.gpt2, ...fields }, state: randomState(NETWORKS.gpt2, 2) });

function withFile(name: string, text: string): string {
  const folder = llamaFolder();
  writeFileSync(join(folder, name), text);
  return folder;
}

function withHeader(length: bigint, text: string): string {
  const folder = llamaFolder();
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length);
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([start, Buffer.from(text, "latin1")]));
  return folder;
}

function onlyFile(name: string): string {
  const folder = llamaFolder();
  renameSync(join(folder, "model.safetensors"), join(folder, name));
  return folder;
}

function noTokenizer(): string {
  const folder = llamaFolder();
  rmSync(join(folder, "tokenizer.json"));
  return folder;
}

function cut(): string {
  const folder = llamaFolder();
  truncateSync(join(folder, "model.safetensors"), 100_000);
  return folder;
}

function spoilt(value: number): StateDict {
  const state: StateDict = new Map(LLAMA_STATE);
  const { shape, data } = state.get("model.norm.weight")!;
  const other = data.slice();
  other[2] = value;
  return state.set("model.norm.weight", { shape, data: other });
}

function wholeNumbers(): string {
  const folder = llamaFolder();
  const path = join(folder, "model.safetensors");
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = bytes.toString("latin1", 8, 8 + length);
  const changed = header.replace('"model.norm.weight":{"dtype":"F32"', '"model.norm.weight":{"dtype":"I32"');
  expect(changed).not.toBe(header);
  writeFileSync(
    path,
    Buffer.concat([bytes.subarray(0, 8), Buffer.from(changed, "latin1"), bytes.subarray(8 + length)]),
  );
  return folder;
}

function shards(change: (folder: string) => void): string {
  const folder = writeFolder(newFolder(), { config: CONFIGS.llama, state: LLAMA_STATE, shards: 3 });
  change(folder);
  return folder;
}

/** Shards of which the index says that all tensors lie in one place. */
function indexed(place: unknown): string {
  return shards((folder) => {
    mkdirSync(join(root, "model0"), { recursive: true });
    copyFileSync(join(folder, SECOND), join(folder, "x.safetensors"));
    edit(join(folder, INDEX), (file: Record<string, Record<string, unknown>>) => {
      for (const key of Object.keys(file.weight_map)) file.weight_map[key] = place;
    });
  });
}
