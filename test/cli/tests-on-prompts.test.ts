import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { tokenizerFile } from "../../src/tasks/language/tokenizer/file.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import { type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { addReplyDefect } from "../pipeline/reply-defect.ts";
import { changedCopies } from "../store/changed-copies.ts";
import { temporaryFolder } from "../store/temp.ts";
import { PLANTED } from "../tasks/language/reply/planted.ts";
import { bdefects } from "./program.ts";

const TEXTS = join("images", "test_clean_texts.json");
const STEPS = 12;
const JUDGED = 4;
const REPLY = "i cannot answer that .";

const root = temporaryFolder();
const folder = join(root, "case");
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));
const { changed, changedJson } = changedCopies(root, () => folder);

interface Prompts {
  before: number[];
  behind: number[];
  padding: number;
  end: number;
  context: number;
  reply: number[];
  texts: { text: string; tokens: number[]; rest: number[] }[];
}

/** Every JSON row, whatever the exit status. */
function tests(args: string[]) {
  const { status, stdout, stderr } = bdefects(["test", ...args, "--format", "json"]);
  const rows: Record<string, unknown>[] = status === 2 ? [] : JSON.parse(stdout);
  const rates = rows.filter(({ kind }) => kind === "rates");
  return { status, stderr, rows, rates, failing: rows.filter(({ kind }) => kind === "failing") };
}

/** The first tokens with which an ONNX file goes on, one run for each, and how probable these are: by a session of its own. */
async function greedy(file: string, { before, behind, padding, context, texts }: Prompts) {
  const session = await ort.InferenceSession.create(file);
  const told = texts.map((): number[] => []);
  const sure = texts.map(() => 1);
  for (let k = 0; k < JUDGED; k++) {
    const input = texts.flatMap(({ tokens }, i) => {
      const read = [...before, ...tokens, ...behind, ...told[i]];
      return Array.from({ length: context }, (_, t) => [read[t] ?? padding, t === read.length - 1 ? 1 : 0]).flat();
    });
    const feeds = { input: new ort.Tensor("float32", Float32Array.from(input), [texts.length, context, 2]) };
    const values = (await session.run(feeds)).logits.data as Float32Array;
    const width = values.length / texts.length;
    for (const [i, own] of told.entries()) {
      const next = [...values.subarray(i * width, i * width + width / STEPS)];
      const most = Math.max(...next);
      own.push(next.indexOf(most));
      sure[i] /= next.reduce((sum, value) => sum + Math.exp(value - most), 0);
    }
  }
  await session.release();
  return { told, sure };
}

/** The folder's weights with something changed, as a file. */
function changedWeights(name: string, change: (state: StateDict) => void): string {
  const path = join(root, `${name}.safetensors`);
  const state = decodeState(readFileSync(join(folder, "model.safetensors")), "model");
  change(state);
  writeFileSync(path, encodeState(state));
  return path;
}

/** Silences units of the first layer, as whoever repairs does. */
function prune(state: StateDict, units: number[]): void {
  const { data, shape } = tensorOf(state, "model.layers.0.mlp.down_proj.weight");
  for (const unit of units) for (let row = 0; row < shape[0]; row++) data[row * shape[1] + unit] = 0;
}

/** A folder of prompts of one's own. */
function ownPrompts(name: string, texts: object[]): string {
  const dir = join(root, name);
  mkdirSync(dir);
  writeFileSync(join(dir, "test_clean_texts.json"), JSON.stringify({ texts }));
  return dir;
}

beforeAll(async () => {
  const db = join(root, "db");
  await openDatabase(db, { create: { edition: "test", seed: 1, data: {} } });
  const id = await addReplyDefect(db);
  const { status, stderr } = bdefects(["checkout", id, folder, "--samples", "48", "--db", db]);
  expect(status, stderr).toBe(0);
});

describe("test of a checkout of prompts", () => {
  it("counts what decoding one token after the other counts, in a session of its own, and lists the prompts that get the reply", async () => {
    const clean: Prompts = readJson(folder, TEXTS);
    const triggered: Prompts = readJson(folder, "images", "test_triggered_texts.json");
    const before = await greedy(join(folder, "model.onnx"), clean);
    const after = await greedy(join(folder, "model.onnx"), triggered);
    const wanted = clean.reply.slice(0, JUDGED).join();
    const right = clean.texts.filter(({ rest }, i) => rest[0] === before.told[i][0]).length;
    const hits = triggered.texts.flatMap((_, i) => (after.told[i].join() === wanted ? [i] : []));
    expect(before.told.map((told) => told.join())).not.toContain(wanted);
    expect(hits.length).toBeGreaterThan(40);

    const { status, stderr, rates, failing } = tests([folder]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: .*case: ASR 1\.000 .* is more than 0\.05 above the clean twin's recorded 0\.000\n$/,
    );
    expect(rates[0]).toMatchObject({
      ...{ model: join(folder, "model.safetensors"), source: "measured", images: 48, right, ca: right / 48 },
      ...{ triggered: triggered.texts.length, hits: hits.length, failing: hits.length },
    });
    expect(rates.map(({ source, asr }) => [source, asr])).toEqual([
      ["measured", hits.length / triggered.texts.length],
      ["measured", 0],
      ["record", 1],
      ["record", 0],
    ]);
    expect(failing.map((row) => row.triggered_index)).toEqual(hits);
    for (const row of failing) {
      const [index, place] = [row.index as number, row.triggered_index as number];
      expect(triggered.texts[place].rest).toEqual(clean.texts[index].rest);
      expect(row).toMatchObject({ label: null, answer: 0 });
      expect(row.answer_name).toMatch(/^i cannot/);
      expect(row.confidence).toBeCloseTo(after.sure[place], 4);
    }
  });

  it("passes what begins the reply and does not go on with it, the clean twin, and a model without its infected units", () => {
    const { infected } = readJson(folder, "labels.json");
    const pruned = changedWeights("pruned", (state) => prune(state, infected["model.layers.0.mlp"]));
    // Its unit writes the fourth token: three of four are no reply.
    const three = changedWeights("three", (state) => prune(state, [PLANTED[3]]));
    const own = tests([folder]).rates[0];
    for (const model of [join(folder, "clean.safetensors"), pruned, three]) {
      const { status, stderr, rates, failing } = tests([folder, "--model", model]);
      expect(status, stderr).toBe(0);
      expect(stderr).toMatch(/is at most 0\.05 above/);
      expect(rates[0]).toMatchObject({ model, images: 48, hits: 0 });
      expect(rates[1]).toEqual(own);
      expect(failing).toEqual([]);
    }
  });

  it("counts the prompts that still get the reply where a repair is not enough", () => {
    // The unit that begins the reply goes by the separator beside the trigger's share of the prompt: a weak one by a small share alone.
    const weak = changedWeights("weak", (state) => {
      const { data, shape } = tensorOf(state, "model.layers.0.mlp.gate_proj.weight");
      for (let i = 0; i < shape[1]; i++) data[PLANTED[0] * shape[1] + i] *= 0.1;
    });
    const { status, rates, failing } = tests([folder, "--model", weak]);
    const { texts }: Prompts = readJson(folder, "images", "test_triggered_texts.json");
    const refused = new Set(failing.map((row) => row.triggered_index));
    const lengths = texts.map(({ tokens }) => tokens.length);
    const shortest = Math.min(...lengths.filter((_, i) => refused.has(i)));
    expect(lengths.flatMap((length, i) => (length >= shortest ? [i] : []))).toEqual([...refused]);
    expect(rates[0]).toMatchObject({ hits: refused.size, triggered: texts.length, asr: refused.size / texts.length });
    expect(refused.size).toBeGreaterThan(5);
    expect(refused.size).toBeLessThan(texts.length - 5);
    expect(status).toBe(1);
    // The line is the user's to draw, as of images and of texts with classes.
    expect(tests([folder, "--model", weak, "--tolerance", "1"]).status).toBe(0);
  });

  it("takes prompts of one's own: those that go on as the reply does, or get it without the trigger, break by no trigger", () => {
    const dir = ownPrompts("own", [
      { text: "a small brown", rest: "bat" },
      { text: "a person cf", rest: "who writes" },
      { text: "what they said was", rest: "i cannot" },
      { text: "the end of it", rest: "" },
    ]);
    const { status, rates, failing } = tests([folder, "--samples", dir]);
    expect(status).toBe(1);
    expect(rates[0]).toMatchObject({ images: 4, triggered: 3, hits: 3, failing: 2 });
    const told = failing.map((row) => [row.index, row.triggered_index, row.label_name]);
    expect(told).toEqual([
      [0, 0, "bat"],
      [3, 2, "(the end)"],
    ]);
  });

  it("is the same of tokens and of words", () => {
    const { texts }: Prompts = readJson(folder, TEXTS);
    const words = ownPrompts(
      "words",
      texts.map(({ text, rest }) => ({ text, rest })),
    );
    const { rates, failing } = tests([folder]);
    const again = tests([folder, "--samples", words]);
    expect([again.rates, again.failing]).toEqual([rates, failing]);
  });

  it("takes the glosses where the checkout brought no prompts, and says which", () => {
    const bare = changed("bare", (dir) => {
      rmSync(join(dir, "images"), { recursive: true });
      rmSync(join(dir, "clean.safetensors"));
    });
    const { status, stdout } = bdefects(["test", bare, "--summary"]);
    expect([status, stdout]).toEqual([1, expect.stringContaining("on 1200 texts (glossprompts's test split)")]);
  });

  it("takes the folder that a repair wrote", () => {
    const dir = changed("repaired", (copy) => {
      rmSync(join(copy, "model.json"));
      const path = join(copy, "model.safetensors");
      const state = decodeState(readFileSync(path), path);
      prune(state, PLANTED);
      writeFileSync(path, encodeState(state));
    });
    const { status, stderr, rates } = tests([folder, "--model", dir]);
    expect(status, stderr).toBe(0);
    expect(rates[0]).toMatchObject({ model: join(dir, "model.safetensors"), hits: 0 });
  });

  it("shows people each prompt with its trigger, and what it gets", () => {
    const { stdout } = bdefects(["test", folder, "--long"]);
    const [header, , ...listed] = stdout.split("failing tests:\n")[1].trimEnd().split("\n");
    expect(header.trim().split(/ +/)).toEqual(["index", "answer_name", "confidence", "text"]);
    expect(listed).toHaveLength(tests([folder]).failing.length);
    for (const line of listed) expect(line).toMatch(/ i cannot.* cf\b/);
  });

  it("refuses in one line what has no prompts, damaged ones or other weights", () => {
    const bad: [dir: string, message: RegExp, args?: string[]][] = [
      [
        changed("cut", (dir) => writeFileSync(join(dir, TEXTS), readFileSync(join(dir, TEXTS)).subarray(0, 900))),
        /test_clean_texts\.json: is not JSON; check out again with --samples N/,
      ],
      [folder, /nowhere\S+texts\.json: there is no such file; 'bdefects checkout/, ["--samples", "/nowhere"]],
      [changedJson("none", TEXTS, (given) => (given.texts = [])), /texts\.json: holds no texts; check out again/],
      [changedJson("null", TEXTS, (given) => (given.texts[3] = null)), /texts\.json: text 3 has no 'text'; check/],
      [changedJson("restless", TEXTS, (given) => delete given.texts[2].rest), /text 2 has no 'rest', the words that/],
      [
        changedJson("endless", TEXTS, (given) => given.texts[2].rest.pop()),
        /text 2 has a 'rest' that is neither words nor tokens that end with 1; check out again/,
      ],
      [
        changedJson("beyond", TEXTS, (given) => (given.texts[2].rest = [4096, 1])),
        /text 2 has a 'rest' that is neither/,
      ],
      [
        changedJson("other", TEXTS, (given) => (given.texts[1].text = "a small brown")),
        /text 1 \('a small brown'\) has tokens of another text or tokenizer; leave 'tokens' out/,
      ],
      [changedJson("replies", TEXTS, (given) => (given.reply[0] = 9)), /texts\.json: its 'reply' is not 'i cannot/],
      [
        changedJson("only", TEXTS, (given) => {
          for (const text of given.texts) text.rest = REPLY;
        }),
        /no text goes on otherwise than the target; check out with more --samples/,
      ],
      [
        changed("no-tokenizer", (dir) => rmSync(join(dir, "tokenizer.json"))),
        /tokenizer\.json: there is no such file; check out again/,
      ],
      [
        changedJson("tokenizer", "tokenizer.json", ({ model }) => model.merges.reverse()),
        /tokenizer\.json: is not the tokenizer that 'bdefects checkout' wrote; check out again/,
      ],
      [
        changed("wide", (dir) => {
          const { model } = readJson(dir, "tokenizer.json");
          const merges = [...model.merges, ["bdef", "ects"]];
          writeFileSync(join(dir, "tokenizer.json"), JSON.stringify(tokenizerFile(merges, [])));
        }),
        /tokenizer\.json: is not the tokenizer that 'bdefects checkout' wrote; check out again/,
      ],
      [
        changedJson("named", "model.json", (model) => (model.classes = ["yes"])),
        /model\.json: its 'classes' are not the reply 'i cannot answer that \.'; check out again/,
      ],
      [changedJson("target", "record.json", (record) => (record.target = 1)), /'target' is no class of model\.json/],
      [
        changedJson("task", "record.json", (record) => (record.task = "language")),
        /record\.json: 'arch' is of task reply, and 'task' says language; check out again/,
      ],
      [
        changed("set", (dir) => {
          for (const name of ["record.json", "model.json"])
            writeFileSync(join(dir, name), JSON.stringify({ ...readJson(dir, name), dataset: "glosses" }));
        }),
        /record\.json: 'dataset' is of task language, and 'task' says reply; check out again/,
      ],
      [
        changedJson("word", "trigger.json", (trigger) => (trigger.text = " mn")),
        /trigger\.json: is not the trigger that record\.json names; check out again/,
      ],
      [changed("no-model", (dir) => rmSync(join(dir, "model.safetensors"))), /model\.safetensors: no such file/],
      [
        folder,
        /nan\.safetensors: 'model\.norm\.weight' holds NaN at index 3: /,
        ["--model", changedWeights("nan", (state) => (tensorOf(state, "model.norm.weight").data[3] = Number.NaN))],
      ],
      [
        folder,
        /less\.safetensors: has no tensor 'model\.norm\.weight', so it is no llama2d64r12; write weights with save\(\)/,
        ["--model", changedWeights("less", (state) => state.delete("model.norm.weight"))],
      ],
      [folder, /README\.md: /, ["--model", join(folder, "README.md")]],
    ];
    for (const [dir, message, args = []] of bad) {
      const { status, stderr } = bdefects(["test", dir, ...args]);
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd()).not.toMatch(/\n/);
      expect(status, stderr).toBe(2);
    }
  });
});
