import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSlice, type Slice, writeSlice } from "../../src/tensor/slices.ts";
import { randomState } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CONFIGS, NETWORKS, writeFolder } from "../tasks/language/hugging-face.ts";
import { bdefects, rowsOf, spawned } from "./program.ts";

const root = temporaryFolder();
let made = 0;

/** A small model, of which what one neuron writes with is ten times as large. */
function planted(layout: "llama" | "gpt2", column: Slice): string {
  const state = randomState(NETWORKS[layout], 6);
  writeSlice(
    state,
    column,
    readSlice(state, column).map((w) => 10 * w),
  );
  return writeFolder(join(root, `model${made++}`), { config: CONFIGS[layout], state, dtype: "BF16", shards: 2 });
}

const llama = () => planted("llama", { key: "model.layers.1.mlp.down_proj.weight", axis: 1, index: 17 });
const folder = llama();
const inspect = (path: string, ...args: string[]) => ["inspect", path, "--task", "language", ...args];

describe("inspect --task language", () => {
  it.each([
    ["Llama", folder, "model.layers.1.mlp:17"],
    [
      "GPT-2",
      planted("gpt2", { key: "transformer.h.0.mlp.c_proj.weight", axis: 0, index: 5 }),
      "transformer.h.0.mlp:5",
    ],
  ])("names the neuron of a %s that writes ten times as much first", (_, path, neuron) => {
    const rows = rowsOf(inspect(path, "--criterion", "clp,weight-norm"));
    for (const criterion of ["clp", "weight-norm"]) {
      const own = rows.filter((row) => row.criterion === criterion);
      expect(own[0]).toMatchObject({ neuron, rank: 1, native: true });
      expect(Object.keys(own[0])).toEqual(["criterion", "neuron", "raw", "score", "rank", "native"]);
    }
  });

  it("leads with what the model is and how well it fits the texts, and keeps the memory that it was given", () => {
    const { status, stdout, stderr } = spawned(inspect(folder, "--memory", "400M", "--budget", "demo"));
    expect(status, stderr).toBe(0);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toMatch(
      /model0: llama, 3 layers of width 24, 4 heads that share 2 sets of keys, feed-forward layers of 40, 2,056 tokens, 64 positions, tied head 63,336 parameters as BF16 in 2 files; 120 neurons network as recipes name it: llama3d24h4g2f40v2056 /,
    );
    expect(text).toMatch(
      /Glosses of nouns, 8 classes: 16 texts, \d+ tokens perplexity: \d+ at \d+ tokens; a guess has 2,056/,
    );
    expect(text).toMatch(/fp: names the most dormant 5 %/);
    expect(text).toMatch(/clp model\.layers\.1\.mlp 17\* \(\d/);
    expect(text).toMatch(/Not proven: every model has a most suspicious neuron/);
    expect(stderr).toMatch(/^warning: the perplexity is \d+, near a guess/);
    const [, used] = /memory: (\d\.\d\d) GB used at most, of 0\.40 GB allowed/.exec(text)!;
    expect(Number(used)).toBeLessThanOrEqual(0.4);
  });

  it("writes the same rows into a folder", () => {
    const out = join(root, "out");
    const args = inspect(folder, "--criterion", "clp", "--out", out);
    const rows = rowsOf(args);
    const written = (name: string) => JSON.parse(readFileSync(join(out, name), "utf8"));
    expect(written("neurons.json")).toEqual(rows);
    expect(written("summary.json")).toMatchObject([{ criterion: "clp", statistic: "outlier-mean", ca: null }]);
    // The same folder again, and no other's files.
    expect(rowsOf([...args, "--summary"])).toMatchObject([{ criterion: "clp", infected: null, same_arch_shams: null }]);
  });

  it("leaves alone what only has the names of its files", () => {
    const out = join(root, "accounts");
    mkdirSync(out);
    writeFileSync(join(out, "summary.json"), '{"income": 3}');
    const { status, stdout, stderr } = bdefects(inspect(folder, "--criterion", "clp", "--out", out));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: --out [^\n]*accounts: holds 'summary\.json', which no inspection wrote;[^\n]*\n$/);
    expect(readFileSync(join(out, "summary.json"), "utf8")).toBe('{"income": 3}');
  });

  it("a file of texts decides what sleeps", () => {
    const data = join(root, "texts.txt");
    writeFileSync(
      data,
      Array.from({ length: 20 }, (_, i) => `a small cask of wine ${"or beer ".repeat(i % 5)}`).join("\n"),
    );
    const found = (...args: string[]) => rowsOf(inspect(folder, "--criterion", "fp", "--budget", "demo", ...args));
    const own = found("--data", data);
    expect(own).toHaveLength(120);
    expect(own).toEqual(found("--data", data));
    expect(own.map(({ raw }) => raw)).not.toEqual(found().map(({ raw }) => raw));
  });

  it("asks for labels by a template, and states the accuracy in its rows", () => {
    const answers = [" animal", " artifact", " message", " food", " person", " plant", " state", " act"].join(",");
    const args = inspect(folder, "--criterion", "clp", "--budget", "demo", "--template", "{} is", "--answers", answers);
    const { status, stdout, stderr } = bdefects(args);
    expect(status, stderr).toBe(0);
    const [, accuracy] = /clean accuracy: (0\.\d{4}) of 16 texts/.exec(stdout)!;
    expect(rowsOf([...args, "--summary"])[0].ca).toBeCloseTo(Number(accuracy), 4);
  });

  it("says how much memory it needs where it is given too little", () => {
    // In a process of its own: the need counts what a process holds already.
    const { status, stdout, stderr } = spawned(inspect(folder, "--memory", "20M"));
    expect(stderr).toMatch(
      /^error: --memory: 0\.02 GB are too little .* it needs about .*: give --memory 0\.\dG[^\n]*\n$/,
    );
    expect([status, stdout]).toEqual([2, ""]);
  });

  it.each([
    [
      "a template without answers",
      [folder, "--template", "{} is"],
      /--answers: give --template and --answers together/,
    ],
    ["a folder that is not there", ["nope"], /nope: no such file or folder/],
    [
      "an amount of memory that is none",
      [folder, "--memory", "much"],
      /--memory 'much': give an amount of memory, such as 800M/,
    ],
    [
      "a criterion of gradients",
      [folder, "--criterion", "nc"],
      /--criterion nc: needs gradients.*valid are fp, clp, weight-norm, weight-floor/,
    ],
    [
      "a criterion that is none",
      [folder, "--criterion", "clq"],
      /unknown criterion 'clq' \(did you mean 'clp'\?\); of a model in a folder valid are fp, clp, weight-norm, weight-floor$/m,
    ],
    ["a folder of somebody's", [folder, "--out", folder], /--out .*: holds '[^']+', which no inspection wrote; name a/],
    [
      "a folder below a file",
      [folder, "--out", join(folder, "config.json", "o")],
      /config\.json: is a file, not a fol/,
    ],
    ["a program of one's own", [folder, "--criterion", "cmd:x"], /--criterion cmd:x: needs gradients/],
    ["an option of files", [folder, "--mean", "0.5"], /--mean <r,g,b>: means nothing for a language model in a folder/],
    [
      "texts that are not there",
      [folder, "--data", "nope.tsv"],
      /--data nope\.tsv: no such file or folder, and no known data set/,
    ],
    ["a cut shard", [cut()], /not a valid safetensors file: .* goes beyond the file's end/],
    ["a pickle alone", [pickle()], /holds pytorch_model\.bin, a pickle, .*safe_serialization=True/],
    ["a missing shard", [lost()], /00002-of-00002\.safetensors: is missing/],
  ])("answers %s with one line and 2", (_, [path, ...args], message) => {
    const { status, stdout, stderr } = bdefects(inspect(path, ...args));
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([2, ""]);
  });

  it.each([
    [
      "a folder of another task",
      [folder, "--task", "classification"],
      /is a language model's folder: .*inspect FOLDER'/,
    ],
    [
      "a task of files",
      [folder, "--task", "lanes"],
      /--task lanes: names what a model in a folder is for, and of tasks only language has such models; leave --task out/,
    ],
    ["a misspelt task", [folder, "--task", "lanugage"], /--task lanugage \(did you mean 'language'\?\): names what/],
    [
      "a template for a file",
      [join(folder, "config.json"), "--template", "{}"],
      /--template: belongs to language models, in folders/,
    ],
    [
      "memory for a file",
      [join(folder, "config.json"), "--memory", "1G"],
      /--memory: belongs to language models, in folders/,
    ],
  ])("answers %s with one line and 2", (_, args, message) => {
    const { status, stderr } = bdefects(["inspect", ...args]);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});

function cut(): string {
  const path = llama();
  truncateSync(join(path, "model-00001-of-00002.safetensors"), 30_000);
  return path;
}

function pickle(): string {
  const path = llama();
  renameSync(join(path, "model-00001-of-00002.safetensors"), join(path, "pytorch_model.bin"));
  rmSync(join(path, "model.safetensors.index.json"));
  return path;
}

function lost(): string {
  const path = llama();
  rmSync(join(path, "model-00002-of-00002.safetensors"));
  return path;
}
