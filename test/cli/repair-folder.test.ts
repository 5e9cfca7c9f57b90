import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type NeuronSet, parseNeurons } from "../../src/core/neurons.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { Checkpoint } from "../../src/tasks/language/checkpoint/checkpoint.ts";
import { foreign } from "../../src/tasks/language/checkpoint/foreign.ts";
import { decodeTensors } from "../../src/tensor/safetensors.ts";
import { randomState } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CONFIGS, NETWORKS, writeFolder } from "../tasks/language/hugging-face.ts";
import { bdefects, rowsOf } from "./program.ts";

const root = temporaryFolder();
const models = {
  // One in shards, of two bytes a number; one whose names lack the body's prefix.
  llama: writeFolder(join(root, "small-llama-1"), {
    config: CONFIGS.llama,
    state: randomState(NETWORKS.llama, 6),
    dtype: "BF16",
    shards: 3,
  }),
  gpt2: writeFolder(join(root, "gpt2"), {
    config: CONFIGS.gpt2,
    state: randomState(NETWORKS.gpt2, 6),
    rename: (key) => key.replace(/^transformer\./, ""),
  }),
};
const list = (name: string, neurons: unknown) => {
  const path = join(root, `${name}.json`);
  writeFileSync(path, JSON.stringify(neurons));
  return path;
};
const repair = (path: string, ...args: string[]) => ["repair", path, "--method", "prune", "--budget", "demo", ...args];
const treeOf = (dir: string) =>
  readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mtimeMs, readFileSync(join(dir, name), "base64")]);
const weightsOf = (dir: string) => readdirSync(dir).filter((name) => name.endsWith(".safetensors"));

/** All weights of a folder, under our names. */
function stateOf(dir: string, layout: "llama" | "gpt2") {
  return new Checkpoint(dir).state(NETWORKS[layout]);
}

describe("repair of a language model's folder", () => {
  it.each([
    ["llama", ["model.layers.0.mlp:3", "model.layers.2.mlp:0", "model.layers.2.mlp:39"]],
    ["gpt2", ["h.1.mlp:5", "h.1.mlp:95"]],
  ] as const)("writes a %s of the same form in which the named neurons alone are dead", (layout, neurons) => {
    const folder = models[layout];
    const before = treeOf(folder);
    const out = join(root, `out-${layout}`);
    const [row] = rowsOf(repair(folder, "--using", list(`mine-${layout}`, neurons), "--out", out));
    const written = join(out, `${basename(folder)}.prune.mine-${layout}`);
    expect(row).toMatchObject({ method: "prune", using: `mine-${layout}`, neurons: neurons.length, folder: written });
    expect(row).toMatchObject({ ca_before: null, ca_after: null, cad: null });
    expect(row.perplexity_after).not.toBe(row.perplexity_before);
    expect(treeOf(folder)).toEqual(before);

    const ours: NeuronSet = Object.fromEntries(
      Object.entries(parseNeurons(neurons)).map(([layer, units]) => [layer.replace(/^h\./, "transformer.h."), units]),
    );
    expect(stateOf(written, layout)).toEqual(maskNeurons(NETWORKS[layout], stateOf(folder, layout), ours));
    // Types, names, shapes and what else describes the model stay.
    expect(readdirSync(written).sort()).toEqual([...readdirSync(folder), "repair.json"].sort());
    for (const name of readdirSync(folder)) {
      const files = [folder, written].map((dir) => readFileSync(join(dir, name)));
      if (!name.endsWith(".safetensors")) expect(files[1].equals(files[0]), name).toBe(true);
      else {
        const [from, to] = files.map((bytes) =>
          [...decodeTensors(bytes, name)].map(([key, { dtype, shape }]) => [key, dtype, shape]),
        );
        expect(to).toEqual(from);
        const changed = files[0].filter((byte, i) => byte !== files[1][i]).length;
        expect(changed).toBeLessThan(files[0].length / 10);
      }
    }
    const about = JSON.parse(readFileSync(join(written, "repair.json"), "utf8"));
    expect(about).toMatchObject({ file: folder, neurons, perplexity_after: row.perplexity_after });
    expect(Object.keys(about.weights_sha256)).toEqual(weightsOf(folder));
  });

  it("measures what the written folder is, on texts that no criterion saw", () => {
    const texts = join(root, "texts.txt");
    const line = (i: number) => `a small cask of wine ${"or beer ".repeat(i % 7)}number ${i}`;
    writeFileSync(texts, Array.from({ length: 40 }, (_, i) => line(i)).join("\n"));
    const out = join(root, "measured");
    const args = repair(models.gpt2, "--using", "clp", "--test", texts, "--out", out, "--data", texts);
    const [{ perplexity_before, perplexity_after, folder }] = rowsOf(args);
    for (const [path, value] of [
      [models.gpt2, perplexity_before],
      [folder, perplexity_after],
    ]) {
      const said = bdefects(["inspect", String(path), "--criterion", "fp", "--data", texts, "--budget", "demo"]).stdout;
      expect(Number(/perplexity: ([\d.]+)/.exec(said)![1])).toBeCloseTo(Number(value), -1);
    }
    const kept = foreign.open(models.gpt2);
    const of = (part: "kept" | "others") =>
      kept.samples(texts, { dataDir: root, seed: 1, most: 100, part }).title.match(/(\d+) texts/)![1];
    expect([of("kept"), of("others")]).toEqual(["8", "32"]);
  });

  it("takes the criteria of inspect by their own set or by number, and random ones that weights and seed decide", () => {
    const out = join(root, "choices");
    const args = (to: string) => repair(models.llama, "--using", "clp,clp:topk,random", "--k", "4", "--out", to);
    const rows = rowsOf(args(out));
    const named = rowsOf(["inspect", models.llama, "--criterion", "clp"]);
    const chosen = (using: string, dir = out) =>
      JSON.parse(readFileSync(join(dir, `small-llama-1.prune.${using}`, "repair.json"), "utf8")).neurons.toSorted();
    const by = (wanted: (row: Record<string, unknown>) => boolean) => named.filter(wanted).map((row) => row.neuron);
    expect(rows.map(({ using, neurons }) => [using, neurons])).toEqual([
      ["clp", chosen("clp").length],
      ["clp:topk", 4],
      ["random", 4],
    ]);
    expect(chosen("clp")).toEqual(by(({ native }) => native === true).sort());
    expect(chosen("clp.topk")).toEqual(by(({ rank }) => (rank as number) <= 4).sort());
    rowsOf(args(join(root, "again")));
    expect(chosen("random", join(root, "again"))).toEqual(chosen("random"));
  });

  it("states the accuracy where it is said how the model is asked", () => {
    const answers = [" animal", " artifact", " message", " food", " person", " plant", " state", " act"].join(",");
    const asked = ["--template", "{} is", "--answers", answers];
    const [row] = rowsOf(repair(models.llama, "--using", "clp", ...asked, "--out", join(root, "asked")));
    expect(row).toMatchObject({ ca_samples: 16, cad: (row.ca_before as number) - (row.ca_after as number) });
  });

  it.each([
    ["no place", [models.llama, "--using", "clp"], /--out: name a folder for the repaired model/],
    [
      "a method for images",
      [models.llama, "--using", "clp", "--method", "excise"],
      /--method excise: cannot repair a model in a folder/,
    ],
    ["a criterion of gradients", [models.llama, "--using", "nc"], /--using nc: needs gradients.*valid are fp, clp/],
    [
      "a list that is no JSON",
      [models.llama, "--using", texts()],
      /--using \S+list\.txt: has no name that ends in \.json; na/,
    ],
    [
      "a number for nobody who counts",
      [models.llama, "--using", "clp", "--k", "3"],
      /--k 3: says how many neurons 'CRITERION:topk' and 'random' name; leave it out, or write --using clp:topk$/m,
    ],
    ["the truth", [models.llama, "--using", "oracle"], /--using oracle: nobody knows the infected neurons/],
    [
      "a layer that is none",
      [models.llama, "--using", list("bad", ["x:1"])],
      /has no layer "x"; its first is 'model\.l/,
    ],
    [
      "an option of files",
      [models.llama, "--using", "clp", "--arch", "vgg13"],
      /--arch <name>: means nothing for a lan/,
    ],
    [
      "an option of databases",
      [models.llama, "--using", "clp", "--keep"],
      /--keep: means nothing for a language model/,
    ],
    [
      "texts that are not there",
      [models.llama, "--using", "clp", "--test", "nope"],
      /--test nope: no such file or folder/,
    ],
    ["two folders", [models.llama, models.gpt2, "--using", "clp"], /give one model's folder, or ids and groups/],
    ["a memory too small", [models.llama, "--using", "clp", "--memory", "9M"], /--memory: 0\.01 GB are too little for/],
    [
      "a template alone",
      [models.llama, "--using", "clp", "--template", "{}"],
      /give --template and --answers together/,
    ],
    [
      "a template for ids",
      ["glosses-x-y", "--using", "clp", "--template", "{}"],
      /--template: belongs to language mod/,
    ],
  ])("answers %s with one line and 2, and writes nothing", (name, args, message) => {
    const out = join(root, `none-${name.replaceAll(" ", "-")}`);
    const place = name === "no place" ? [] : ["--out", out];
    const { status, stdout, stderr } = bdefects(["repair", "--method", "prune", ...args, ...place]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect([status, stdout, existsSync(out)]).toEqual([2, "", false]);
  });

  it("overwrites nothing, and never the model's own folder", () => {
    const copy = join(root, "own");
    cpSync(models.gpt2, copy, { recursive: true });
    const out = join(root, "taken");
    mkdirSync(join(out, "own.prune.random"), { recursive: true });
    const { status, stderr } = bdefects(repair(copy, "--using", "clp,random", "--out", out));
    expect(stderr).toMatch(/^error: \S+own\.prune\.random: exists already; name another folder with --out\n$/);
    expect([status, readdirSync(out)]).toEqual([2, ["own.prune.random"]]);
    expect(readdirSync(join(out, "own.prune.random"))).toEqual([]);
  });
});

function texts(): string {
  const path = join(root, "list.txt");
  writeFileSync(path, "model.layers.0.mlp:3\n");
  return path;
}

describe("repair of a checkout of texts", () => {
  it("writes a folder that test and inspect take, without what tells the truth", () => {
    const folder = join(root, "case");
    const id = "glosses-llama2d64-rareword-middle-top020";
    expect(bdefects(["checkout", id, folder, "--images", "64", "--db", "text"]).status).toBe(0);
    const { infected } = JSON.parse(readFileSync(join(folder, "labels.json"), "utf8"));
    const out = join(root, "repaired");
    const rows = rowsOf(repair(folder, "--using", `${list("truth", infected)},clp`, "--out", out));
    expect(rows[0].ca_before).toBeGreaterThan(0.5);
    const repaired = join(out, "case.prune.truth");
    expect(readdirSync(repaired).sort()).toEqual([
      ...["config.json", "generation_config.json", "model.json", "model.safetensors", "repair.json", "tokenizer.json"],
      "tokenizer_config.json",
    ]);
    const shown = [repaired, join(repaired, "model.safetensors")].map((model) => {
      const { status, stdout, stderr } = bdefects(["test", folder, "--model", model, "--summary"]);
      expect(status, stderr).toBe(0);
      return stdout;
    });
    expect(shown[1]).toBe(shown[0]);
    // Of two files of one name a reader sees which is which.
    expect(
      shown[0]
        .split("\n")
        .slice(3, 5)
        .map((line) => line.split(" ")[0]),
    ).toEqual([join(repaired, "model.safetensors"), "model.safetensors"]);
    expect(bdefects(["inspect", repaired, "--budget", "demo"]).stdout).toContain("clean accuracy");
  });
});
