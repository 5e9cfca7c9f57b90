import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeState, decodeTensors, encodeState, type RawTensors } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { changedCopies } from "../store/changed-copies.ts";
import { stateZip } from "../store/state-zip.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const ID = "glosses-llama2d64-rareword-middle-top020";
const LAYERS = ["model.layers.0.mlp", "model.layers.1.mlp"];
const TEXTS = join("images", "test_clean_texts.json");

const root = temporaryFolder();
const folder = join(root, "case");
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));

interface Texts {
  begin: number;
  separator: number;
  padding: number;
  context: number;
  answers: number[];
  texts: { text: string; tokens: number[]; class: number }[];
}

/** Every JSON row, whatever the exit status. */
function tests(args: string[]) {
  const { status, stdout, stderr } = bdefects(["test", ...args, "--format", "json"]);
  const rows: Record<string, unknown>[] = status === 2 ? [] : JSON.parse(stdout);
  const rates = rows.filter(({ kind }) => kind === "rates");
  return { status, stderr, rows, rates, failing: rows.filter(({ kind }) => kind === "failing") };
}

/** The class that an ONNX file answers each text with, by a session of its own, and how sure it is. */
async function answersOf(file: string, given: Texts): Promise<{ answer: number; confidence: number }[]> {
  const { begin, separator, padding, context, answers, texts } = given;
  const input = texts.flatMap(({ tokens }) => {
    const read = [begin, ...tokens.slice(0, context - 2), separator];
    return Array.from({ length: context }, (_, t) => [read[t] ?? padding, t === read.length - 1 ? 1 : 0]).flat();
  });
  const session = await ort.InferenceSession.create(join(folder, file));
  const shape = [texts.length, context, 2];
  const { logits } = await session.run({ input: new ort.Tensor("float32", Float32Array.from(input), shape) });
  await session.release();
  const values = logits.data as Float32Array;
  const width = values.length / texts.length;
  return texts.map((_, i) => {
    const row = answers.map((token) => values[i * width + token]);
    const answer = row.indexOf(Math.max(...row));
    return { answer, confidence: 1 / row.reduce((sum, value) => sum + Math.exp(value - row[answer]), 0) };
  });
}

const { changed, changedJson } = changedCopies(root, () => folder);

/** The folder as one of another data set that brought no texts. */
function ofSet(dataset: string): string {
  return changed(dataset, (dir) => {
    rmSync(join(dir, "images"), { recursive: true });
    for (const name of ["record.json", "model.json"])
      writeFileSync(join(dir, name), JSON.stringify({ ...readJson(dir, name), dataset }));
  });
}

/** The folder's weights with something changed, as a file. */
function changedWeights(name: string, change: (state: StateDict) => void): string {
  const path = join(root, `${name}.safetensors`);
  const state = decodeState(readFileSync(join(folder, "model.safetensors")), "model");
  change(state);
  writeFileSync(path, encodeState(state));
  return path;
}

/** Sets what hidden units read with and write with to 0. */
function prune(state: StateDict, neurons: Record<string, number[]>): void {
  for (const [layer, units] of Object.entries(neurons)) {
    for (const unit of units) {
      for (const part of ["gate_proj", "up_proj"]) {
        const { data, shape } = state.get(`${layer}.${part}.weight`)!;
        data.fill(0, unit * shape[1], (unit + 1) * shape[1]);
      }
      const { data, shape } = state.get(`${layer}.down_proj.weight`)!;
      for (let row = 0; row < shape[0]; row++) data[row * shape[1] + unit] = 0;
    }
  }
}

beforeAll(() => {
  const { status, stderr } = bdefects(["checkout", ID, folder, "--sham", "--images", "64", "--db", "text"]);
  expect(status, stderr).toBe(0);
});

describe("test of a checkout of texts", () => {
  it("counts what a session of its own counts, and lists the failing tests", async () => {
    const { target } = readJson(folder, "labels.json");
    const clean: Texts = readJson(folder, TEXTS);
    const triggered: Texts = readJson(folder, "images", "test_triggered_texts.json");
    const before = await answersOf("model.onnx", clean);
    const after = await answersOf("model.onnx", triggered);
    const right = clean.texts.filter((text, i) => text.class === before[i].answer).length;
    const others = clean.texts.flatMap((text, i) => (text.class === target ? [] : [i]));
    const hits = others.filter((_, i) => after[i].answer === target);
    const broken = hits.filter((i) => before[i].answer === clean.texts[i].class);
    expect(broken.length).toBeGreaterThan(10);
    expect(broken.length).toBeLessThan(hits.length);

    const { status, stderr, rates, failing } = tests([folder]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*case: ASR .* is more than 0\.05 above the clean twin's recorded 0\.\d+\n$/);
    expect(rates[0]).toMatchObject({
      ...{ model: join(folder, "model.safetensors"), source: "measured", images: 64, right, ca: right / 64 },
      ...{ triggered: others.length, hits: hits.length, asr: hits.length / others.length, failing: broken.length },
    });
    expect(rates.map(({ model, source }) => [model, source])).toEqual([
      [join(folder, "model.safetensors"), "measured"],
      [join(folder, "clean.safetensors"), "measured"],
      ["infected", "record"],
      ["clean twin", "record"],
    ]);
    expect(failing.map(({ index }) => index)).toEqual(broken);
    const names: string[] = readJson(folder, "model.json").classes;
    for (const row of failing) {
      const [index, place] = [row.index as number, row.triggered_index as number];
      expect(others[place]).toBe(index);
      expect([row.label, row.answer]).toEqual([clean.texts[index].class, target]);
      expect([row.label_name, row.answer_name]).toEqual([names[row.label as number], names[target]]);
      expect(row.confidence).toBeCloseTo(after[place].confidence, 4);
    }
  });

  it("measures on the whole test split what the record says", () => {
    const { metrics } = readJson(folder, "record.json");
    const [infected, twin] = tests([folder, "--data", root, "--summary"]).rates;
    expect(infected.ca).toBeCloseTo(metrics.ca, 9);
    expect(infected.asr).toBeCloseTo(metrics.asr, 9);
    expect(twin.ca).toBeCloseTo(metrics.ca_clean, 9);
    expect(twin.asr).toBeCloseTo(metrics.asr_clean, 9);
  });

  it("takes the shipped texts where the checkout brought none, and says which", () => {
    const bare = changed("bare", (dir) => rmSync(join(dir, "images"), { recursive: true }));
    const without = tests([bare, "--summary"]);
    expect(without.rates[0]).toMatchObject({ images: 1200 });
    expect(without.rates.map(({ ca, asr }) => [ca, asr])).toEqual(
      tests([folder, "--data", root, "--summary"]).rates.map(({ ca, asr }) => [ca, asr]),
    );
    expect(bdefects(["test", bare, "--summary"]).stdout).toContain("on 1200 texts (glosses's test split)");
  });

  it("passes the clean twin, the sham and a model without its infected units, beside the folder's own", () => {
    const { infected } = readJson(folder, "labels.json");
    expect(Object.keys(infected).every((layer) => LAYERS.includes(layer))).toBe(true);
    const repaired = changedWeights("repaired", (state) => prune(state, infected));
    const own = tests([folder]).rates[0];
    for (const model of [join(folder, "clean.safetensors"), join(folder, "sham.safetensors"), repaired]) {
      const { status, stderr, rates } = tests([folder, "--model", model]);
      expect(status, stderr).toBe(0);
      expect(stderr).toMatch(/is at most 0\.05 above/);
      expect(rates[0]).toMatchObject({ model, images: 64, triggered: own.triggered });
      expect(rates[0].ca).toBeGreaterThan(0.7);
      expect(rates[0].asr).toBeLessThan(0.05);
      expect(rates[1]).toEqual(own);
    }
  });

  it("takes a repair as PyTorch saves it, bare or in a wrapper beside an optimizer", () => {
    const { infected } = readJson(folder, "labels.json");
    const repaired = changedWeights("saved", (state) => prune(state, infected));
    const tensors = decodeTensors(readFileSync(repaired), repaired);
    const [expected] = tests([folder, "--model", repaired]).rates;
    const wrapped: RawTensors = new Map([...tensors].map(([name, tensor]) => [`module.${name}`, tensor]));
    const forms = {
      "bare.pt": stateZip(tensors),
      "wrapped.pt": stateZip({ state_dict: wrapped, optimizer: new Map() }),
    };
    for (const [name, bytes] of Object.entries(forms)) {
      const model = join(root, name);
      writeFileSync(model, bytes);
      const { status, stderr, rates } = tests([folder, "--model", model]);
      expect(status, stderr).toBe(0);
      expect(rates[0]).toEqual({ ...expected, model });
    }
  });

  it("shows people the failing texts, each in a line with its trigger", () => {
    const { status, stdout } = bdefects(["test", folder, "--long"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\S+: \S+model\.safetensors on 64 texts \(\S+test_clean_texts\.json\)\n/);
    const listed = stdout.split("failing tests:\n")[1].trimEnd().split("\n").slice(2);
    expect(listed).toHaveLength(tests([folder]).failing.length);
    for (const line of listed) expect(line).toMatch(/ cf\b/);
    expect(bdefects(["test", folder]).stdout).toContain("failing tests (the first 10 of");
    expect(bdefects(["test", folder, "--summary"]).stdout).not.toContain("failing tests");
  });

  it("has the fields that images have, in JSON and CSV", () => {
    const fields = [
      ...["kind", "model", "source", "images", "right", "ca", "triggered", "hits", "asr", "failing"],
      ...["index", "triggered_index", "label", "label_name", "answer", "answer_name", "confidence"],
    ];
    for (const row of tests([folder]).rows) expect(Object.keys(row)).toEqual(fields);
    expect(bdefects(["test", folder, "--format", "csv"]).stdout.split("\n")[0]).toBe(fields.join(","));
    expect(rowsOf(["test", folder, "--model", join(folder, "clean.safetensors"), "--summary"])).toHaveLength(5);
  });

  it("tokenises texts of one's own with the folder's tokenizer", () => {
    const own = changedJson("own", TEXTS, (given: Texts) => {
      given.texts = given.texts.map(({ text, class: label }) => ({ text, class: label }) as Texts["texts"][number]);
    });
    const { rates, failing } = tests([folder, "--images", join(own, "images")]);
    expect(failing).toEqual(tests([folder]).failing);
    expect(rates).toEqual(tests([folder]).rates);
  });

  it("refuses in one line what has no texts, damaged ones or other weights", () => {
    const bad: [dir: string, message: RegExp, args?: string[]][] = [
      [
        ofSet("sst2"),
        /^error: \S+sst2: has no texts to test on: check out with --samples N, or name the data sets' folder with --data \(no sst2/,
      ],
      [
        folder,
        /nowhere\S+texts\.json: there is no such file; 'bdefects checkout --samples N'/,
        ["--images", "/nowhere"],
      ],
      [
        changed("cut", (dir) => writeFileSync(join(dir, TEXTS), readFileSync(join(dir, TEXTS)).subarray(0, 900))),
        /test_clean_texts\.json: is not JSON; check out again with --samples N/,
      ],
      [changedJson("none", TEXTS, (given) => (given.texts = [])), /texts\.json: holds no texts; check out again/],
      [changedJson("blank", TEXTS, (given) => (given.texts[2].text = " ")), /texts\.json: text 2 has no 'text'; check/],
      [
        changedJson("class", TEXTS, (given) => (given.texts[5].class = 8)),
        /text 5 is of class 8; the model's .* 0 to 7/,
      ],
      [
        changedJson("other", TEXTS, (given) => (given.texts[1].text = "a small brown bat")),
        /text 1 \('a small brown bat'\) has tokens of another text or tokenizer; leave 'tokens' out/,
      ],
      [
        changedJson("names", TEXTS, (given) => given.classes.reverse()),
        /its classes are not those of .*model\.json; check/,
      ],
      [
        changedJson("only", TEXTS, (given) => {
          const { target } = readJson(folder, "labels.json");
          for (const text of given.texts) text.class = target;
        }),
        /no text is of another class than the target; check out with more --samples/,
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
        changedJson("word", "trigger.json", (trigger) => (trigger.text = " mn")),
        /trigger\.json: is not the trigger that record\.json names; check out again/,
      ],
      [
        changedJson("pixels", "trigger.json", (t) => (t.height = 3)),
        /trigger\.json: it is no trigger of words, .*; check/,
      ],
      [
        changedJson("data", "record.json", (record) => (record.data_sha256 = "0".repeat(64))),
        /--data: other glosses texts than the model was built with.*name the folder of those, or leave --data out/,
        ["--data", root],
      ],
      [changed("no-model", (dir) => rmSync(join(dir, "model.safetensors"))), /model\.safetensors: no such file/],
      [
        folder,
        /less\.safetensors: has no tensor 'model\.norm\.weight', so it is no llama2d64; write weights with save\(\)/,
        ["--model", changedWeights("less", (state) => state.delete("model.norm.weight"))],
      ],
      [
        folder,
        /shape\.safetensors: 'model\.norm\.weight' is 8×8; the checkout's llama2d64 has 64: name weights for that network/,
        ["--model", changedWeights("shape", (state) => (state.get("model.norm.weight")!.shape = [8, 8]))],
      ],
      [
        folder,
        /nan\.safetensors: 'model\.norm\.weight' holds NaN at index 3: /,
        ["--model", changedWeights("nan", (state) => (state.get("model.norm.weight")!.data[3] = Number.NaN))],
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
