import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { chosenUnits, sliceOf } from "../../src/graph/units.ts";
import { anonymous, halveClean, NO_AUGMENTATION } from "../../src/pipeline/judging/suspect.ts";
import { chosenIn } from "../../src/pipeline/own/repair-folder.ts";
import { finetune } from "../../src/repair/finetune.ts";
import { changedTo } from "../../src/tasks/language/checkpoint/changes.ts";
import { Checkpoint } from "../../src/tasks/language/checkpoint/checkpoint.ts";
import { foreign } from "../../src/tasks/language/checkpoint/foreign.ts";
import { language } from "../../src/tasks/language/task.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import { randomState } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CONFIGS, NETWORKS, writeFolder } from "../tasks/language/hugging-face.ts";
import { bdefects, rowsOf } from "./program.ts";

const root = temporaryFolder();
const models = {
  llama: writeFolder(join(root, "llama"), {
    ...{ config: CONFIGS.llama, state: randomState(NETWORKS.llama, 6), dtype: "BF16", shards: 3 },
  }),
  gpt2: writeFolder(join(root, "gpt2"), { config: CONFIGS.gpt2, state: randomState(NETWORKS.gpt2, 6) }),
};
const neurons: Record<keyof typeof models, NeuronSet> = {
  llama: { "model.layers.0.mlp": [3, 17], "model.layers.2.mlp": [39] },
  gpt2: { "transformer.h.1.mlp": [5, 95] },
};
const asked = { template: "Text: {} Kind:", answers: [" food", " bird"] };
const given = ["--template", asked.template, "--answers", asked.answers.join(",")];
const write = (name: string, text: string) => {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
};
const random = new Random(4);
const line = (label: number) =>
  `a ${["small", "large", "brown"][random.below(3)]} ${["soup", "finch"][label]}\t${label}`;
const table = write(
  "mine.tsv",
  ["sentence\tlabel", ...Array.from({ length: 80 }, (_, i) => line(i % 2)), ""].join("\n"),
);
const list = (layout: keyof typeof models) => write(`${layout}.json`, JSON.stringify(neurons[layout]));
const repair = (layout: keyof typeof models, ...args: string[]) => [
  ...["repair", models[layout], "--using", list(layout), "--budget", "demo", "--data", table, ...given],
  ...["--out", join(root, `out-${layout}`), ...args],
];

describe("fine-tuning of a language model's folder", () => {
  it.each(["llama", "gpt2"] as const)("trains the named neurons of a %s and nothing else", async (layout) => {
    const rows = rowsOf(repair(layout, "--method", "finetune,prune"));
    expect(rows.map(({ method }) => method)).toEqual(["finetune", "prune"]);
    const [{ folder, ca_after, ca_samples }] = rows as { folder: string; ca_after: number; ca_samples: number }[];
    expect(basename(folder)).toBe(`${layout}.finetune.${layout}`);

    // What the repair itself gives, in the files' own types.
    const model = foreign.open(models[layout]);
    const options = { dataDir: root, seed: 1, most: 1024, prompt: asked, part: "others" as const };
    const { network, state, samples } = model.whole(table, options);
    expect(samples.count).toBe(64);
    const suspect = anonymous(
      {
        task: language,
        network,
        state,
        sha256: chosenIn(model).sha256(),
        normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
      },
      NO_AUGMENTATION,
      halveClean(language.inputs, samples, 1),
      undefined as never,
      1,
      "short",
    );
    const trained = await finetune.repair(suspect, neurons[layout]);
    const { held } = changedTo(new Checkpoint(models[layout]), neurons[layout], trained);
    const found = new Checkpoint(folder).state(network);
    for (const { unit, neurons: chosen } of chosenUnits(network, neurons[layout])) {
      for (const share of unit.owned) {
        const other = new Map(found);
        for (const neuron of chosen) {
          const slice = sliceOf(share, neuron);
          const [now, wanted] = [readSlice(found, slice), readSlice(new Map([...held!]), slice)];
          expect(now).toEqual(wanted);
          expect(now).not.toEqual(readSlice(state, slice));
        }
        // Another neuron of the layer is as it was.
        const untouched = sliceOf(share, 4);
        expect(readSlice(other, untouched)).toEqual(readSlice(state, untouched));
      }
    }
    const owned = new Set(held!.keys());
    for (const [key, tensor] of found) if (!owned.has(key)) expect(tensor, key).toEqual(state.get(key));
    // Of the same form, with what the accuracy is of as it was written.
    expect(readdirSync(folder).sort()).toEqual([...readdirSync(models[layout]), "repair.json"].sort());
    const kept = foreign.open(folder).samples(table, { ...options, most: 16, part: "kept" });
    const { quality, asked: count } = await foreign.open(folder).read(kept, { memory: 2e9, threads: 1 });
    expect([quality, count]).toEqual([ca_after, ca_samples]);
    // Once it is there, the same command takes it, and another one nothing.
    expect(rowsOf(repair(layout, "--method", "finetune,prune"))).toEqual(rows);
    const { status, stderr } = bdefects(repair(layout, "--method", "finetune", "--seed", "2"));
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/exists already, made of other files or with other op/),
    ]);
  });

  const bare = ["repair", models.llama, "--using", "clp", "--method", "finetune"];
  it.each([
    [
      "a question that nobody asked",
      bare,
      /llama: nobody says what it answers, and training needs that; give --template/,
    ],
    [
      "a method for images",
      [...bare, "--method", "excise"],
      /--method excise: cannot repair a model in a folder; valid are prune, finetune, /,
    ],
    [
      "texts without labels",
      [...bare, ...given, "--data", write("bare.txt", "a bat\n".repeat(20))],
      /texts have no labels; give a table/,
    ],
    ["a label without an answer", [...bare, ...given], /glosses: a text has label \d|counted from 0/i],
    [
      "a template that asks nothing",
      [...bare, "--template", "{}", "--answers", " a, b", "--data", table],
      /--template '\{\}': nothing follows/,
    ],
    [
      "a memory too small",
      [...bare, ...given, "--data", table, "--memory", "9M"],
      /--memory: 0\.01 GB are too little to train/,
    ],
  ])("answers %s with one line and 2, and writes nothing", (name, args, message) => {
    const out = join(root, `none-${name.replaceAll(" ", "-")}`);
    const { status, stdout, stderr } = bdefects([...args, "--out", out]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect([status, stdout, existsSync(out)]).toEqual([2, "", false]);
  });

  it("takes a checkout's question, and texts that no test has", () => {
    const folder = join(root, "case");
    mkdirSync(folder);
    const id = "glosses-llama2d64-rareword-middle-top020";
    expect(bdefects(["checkout", id, folder, "--images", "16", "--db", "text"]).status).toBe(0);
    const options = { dataDir: root, seed: 1, most: 1024 };
    const { samples, title } = foreign.open(folder).whole(undefined, options);
    expect(() => foreign.open(folder).whole(join(root, "bare.txt"), options)).toThrow(
      /--data \S+bare\.txt: its texts have no labels, and training needs them/,
    );
    expect([samples.count, title]).toEqual([600, "Glosses of nouns, 8 classes, of the training part: 600 texts"]);
    const { tokenizer } = (samples as unknown as { language: { tokenizer: { decode(t: number[]): string } } }).language;
    const tested = readFileSync(join(folder, "images/test_clean.tsv"), "utf8").split("\n").slice(1, -1);
    const trained = new Set(
      (samples as unknown as { tokens: number[][] }).tokens.map((one) => tokenizer.decode(one).trim()),
    );
    expect(tested.filter((row) => trained.has(row.split("\t")[0]))).toEqual([]);
  });
});
