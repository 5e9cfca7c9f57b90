import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { Checkpoint } from "../../src/tasks/language/checkpoint/checkpoint.ts";
import { glosses, glossMerges } from "../../src/tasks/language/datasets/glosses.ts";
import { tokenizerFile } from "../../src/tasks/language/tokenizer/file.ts";
import { decodeState } from "../../src/tensor/safetensors.ts";
import { relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CONFIGS, GPT2, LLAMA } from "../tasks/language/hugging-face.ts";
import { findTorchPython } from "./find-python.ts";

/** What rounding in float32 leaves of logits that PyTorch computes in float64. */
const EXACT = 1e-4;
const [TEXTS, POSITIONS] = [3, 11];

const CASES = [
  ["Llama, shared keys, bfloat16, in three shards, a head of its own", "llama", { tied: false }, 3],
  ["Llama, a tied head, in one file", "llama", { tied: true }, 1],
  ["Llama, heads wider than their share of the width", "llama", { headSize: 10 }, 1],
  ["GPT-2, in two shards", "gpt2", {}, 2],
  ["GPT-2, a head of its own", "gpt2", { tied: false }, 1],
] as const;

describe.skipIf(!findTorchPython())("a folder that PyTorch wrote", () => {
  it.each(CASES)("%s: logits at every position", async (_, layout, fields, shards) => {
    const root = temporaryFolder();
    const folder = join(root, "model");
    mkdirSync(folder);
    const shape = { ...(layout === "llama" ? LLAMA : GPT2), ...fields };
    const config = {
      ...CONFIGS[layout],
      ...("tied" in fields && { tie_word_embeddings: fields.tied }),
      ...("headSize" in fields && { head_dim: fields.headSize }),
    };
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizerFile(glossMerges(), glosses.classes)));
    const random = new Random(7);
    const ids = Array.from({ length: TEXTS }, () =>
      Array.from({ length: POSITIONS }, () => random.below(shape.vocabulary)),
    );
    const request = JSON.stringify({ layout, shape, shards, ids, seed: 5 });
    const script = join(import.meta.dirname, "hugging_face.py");
    const out = join(root, "out.safetensors");
    execFileSync(findTorchPython()!.command, ["-B", script, request, folder, out], { timeout: 120_000 });
    const expected = decodeState(readFileSync(out), out).get("logits")!.data;

    const checkpoint = new Checkpoint(folder);
    expect(checkpoint).toMatchObject({ types: ["BF16"], files: shards });
    const network = checkpoint.config.network(POSITIONS);
    const feeds = foldState(network, checkpoint.state(network));
    const session = await Session.open(inferProgram(await chooseLowering(network, TEXTS * POSITIONS), network), {
      threads: 1,
    });
    // Each sequence so often as it has positions, each time marked at another one.
    const input = new Float32Array(TEXTS * POSITIONS * POSITIONS * 2);
    for (let row = 0; row < TEXTS * POSITIONS; row++) {
      for (let t = 0; t < POSITIONS; t++) {
        const mark = t === row % POSITIONS ? 1 : 0;
        input.set([ids[Math.floor(row / POSITIONS)][t], mark], 2 * (row * POSITIONS + t));
      }
    }
    const logits = (await session.run(feeds.set("input", input))).get("logits")!;
    expect(relativeError(logits, expected)).toBeLessThan(EXACT);
    await session.release();
  });
});
