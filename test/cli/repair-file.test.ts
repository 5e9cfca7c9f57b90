import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseNeurons } from "../../src/core/neurons.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { openOwnModel } from "../../src/pipeline/own/model.ts";
import { finishedRepair, saveRepair } from "../../src/pipeline/own/save-repair.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { decodeState } from "../../src/tensor/safetensors.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { leaveStaging } from "../files/abandoned.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const dir = temporaryFolder();
const data = writeTinyData(join(dir, "data"));
const folder = join(dir, "case");
expect(bdefects(["checkout", "cifar10-vgg13w8-badnets-small-top040", folder, "--db", "sample"]).status).toBe(0);
const file = join(folder, "model.safetensors");
const network = buildNetwork("vgg13w8", 10);
const read = (path: string) => decodeState(readFileSync(path), path);
const list = (name: string, value: unknown) => {
  const path = join(dir, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
};

describe("repair FILE", () => {
  it("writes weights, ONNX and what was done, for each method and choice", () => {
    const out = join(dir, "out");
    const args = ["repair", file, "--method", "prune", "--using", "clp,clp:topk,random", "--k", "4", "--out", out];
    const rows = rowsOf(args);
    expect(rows.map(({ using, neurons }) => [using, neurons])).toEqual([
      ["clp", expect.any(Number)],
      ["clp:topk", 4],
      ["random", 4],
    ]);
    expect(readdirSync(out)).toHaveLength(9);
    const named = rowsOf(["inspect", file, "--criterion", "clp"]);
    for (const { using, weights, onnx } of rows as { using: string; weights: string; onnx: string }[]) {
      const { neurons, weights_sha256 } = JSON.parse(readFileSync(weights.replace("safetensors", "json"), "utf8"));
      expect(weights_sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(read(weights)).toEqual(maskNeurons(network, read(file), parseNeurons(neurons)));
      expect(readFileSync(onnx).length).toBeGreaterThan(1e5);
      const by = (wanted: (row: Record<string, unknown>) => boolean) => named.filter(wanted).map((row) => row.neuron);
      if (using === "clp") expect(neurons.sort()).toEqual(by(({ native }) => native === true).sort());
      if (using === "clp:topk") expect(neurons.sort()).toEqual(by(({ rank }) => (rank as number) <= 4).sort());
    }
    // The same command says the same and writes nothing; another one is refused.
    const written = () => readdirSync(out).map((name) => [name, statSync(join(out, name)).mtimeMs]);
    const before = written();
    expect(rowsOf(args)).toEqual(rows);
    expect(written()).toEqual(before);
    const other = bdefects([...args, "--seed", "2"]);
    expect([other.status, other.stdout]).toEqual([2, ""]);
    expect(other.stderr).toMatch(/clp\.json: exists already, made of other files or .*; name another folder/);
  });

  it("goes on where a killed run stopped, and overwrites nothing else", () => {
    const out = join(dir, "killed");
    const args = (to: string, k = "4") => [
      "repair",
      file,
      "--method",
      "prune",
      "--using",
      "clp,random",
      "--k",
      k,
      "--out",
      to,
    ];
    rowsOf(args(out));
    const names = readdirSync(out);
    const bytes = new Map(names.map((name) => [name, readFileSync(join(out, name))]));
    // As they appear: of one all but the weights, of the other what was done alone.
    for (const name of ["model.prune.clp.safetensors", "model.prune.random.safetensors", "model.prune.random.onnx"]) {
      rmSync(join(out, name));
    }
    const left = leaveStaging(out, "repair");
    rowsOf(args(out));
    expect(readdirSync(out)).toEqual(names);
    expect(existsSync(left)).toBe(false);
    for (const [name, whole] of bytes) expect(readFileSync(join(out, name)).equals(whole)).toBe(true);
    // Neither another run's, nor a stranger's.
    rmSync(join(out, "model.prune.random.safetensors"));
    expect(bdefects(args(out, "5"))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/random\.json: exists/),
    });
    rmSync(join(out, "model.prune.random.json"));
    expect(bdefects(args(out))).toMatchObject({ status: 2, stderr: expect.stringMatching(/random\.onnx: exists/) });
    expect(readdirSync(out)).toHaveLength(4);
  });

  it("replaces what a killed run left of a repair that is another one each time", async () => {
    const model = await openOwnModel(file);
    const stem = join(dir, "random", "model.mine.random");
    const made = "0".repeat(64);
    const repair = (value: number) => {
      const state = new Map(model.state);
      const [[key, { shape, data: values }]] = state;
      state.set(key, { shape, data: values.map((weight) => weight + value) });
      const facts = { method: "mine", using: "random", neurons: [], ca_before: null, ca_after: null, ca_images: null };
      return { ...facts, seconds: value, state };
    };
    await saveRepair(model, stem, repair(1), made);
    const onnx = readFileSync(`${stem}.onnx`);
    rmSync(`${stem}.safetensors`);
    expect(finishedRepair(stem, made)).toBeNull();
    const facts = await saveRepair(model, stem, repair(2), made);
    expect(facts.seconds).toBe(2);
    expect(finishedRepair(stem, made)).toEqual(facts);
    expect(readFileSync(`${stem}.onnx`).equals(onnx)).toBe(false);
    // What it did not write is no part of it.
    writeFileSync(`${stem}.onnx`, "mine");
    rmSync(`${stem}.safetensors`);
    const refused = /random\.onnx: exists already, and is not what model\.mine\.random\.json states; name another/;
    expect(() => finishedRepair(stem, made)).toThrow(refused);
    await expect(saveRepair(model, stem, repair(3), made)).rejects.toThrow(refused);
    expect(readFileSync(`${stem}.onnx`, "utf8")).toBe("mine");
  });

  it("refuses two lists of the same name", () => {
    const lists = ["one", "two"].map((name) => {
      mkdirSync(join(dir, name));
      return list(join(name, "x.json"), ["features.3:0"]);
    });
    const args = ["repair", file, "--method", "prune", "--using", lists.join(","), "--out", join(dir, "same")];
    expect(bdefects(args)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^error: --using: two lists.*rename/),
    });
  });

  it("takes a list of neurons in any of three forms, and measures the accuracy before and after", () => {
    const rows = (criterion: string) =>
      ["conv", "x"].map((_, i) => ({ criterion, neuron: `features.3:${i}`, native: i === 0, rank: i + 1 }));
    const lists = [
      list("a.json", ["features.3:0"]),
      list("b.json", { "features.3": [0] }),
      list("c.json", rows("clp")),
    ];
    const args = ["repair", file, "--data", data, "--method", "prune,finetune", "--using", lists.join(",")];
    const repaired = rowsOf([...args, "--out", join(dir, "lists")]) as Record<string, number & string>[];
    expect(repaired.map(({ method, using }) => `${method} ${using}`)).toEqual(
      ["a", "b", "c"].flatMap((using) => [`prune ${using}`, `finetune ${using}`]),
    );
    for (const method of ["prune", "finetune"]) {
      const [first, ...others] = repaired.filter((row) => row.method === method);
      for (const row of others) expect(read(row.weights)).toEqual(read(first.weights));
      expect(first).toMatchObject({ neurons: 1, ca_images: 60, ca_before: repaired[0].ca_before });
      expect(first.cad).toBeCloseTo(first.ca_before - first.ca_after, 12);
      // One channel of one layer was touched.
      const [before, after] = [read(file), read(first.weights)];
      const changed = [...before].filter(([key, { data: values }]) =>
        values.some((value, at) => value !== after.get(key)!.data[at]),
      );
      expect(changed.map(([key]) => key).every((key) => /^features\.[34]\./.test(key))).toBe(true);
    }
    const mixed = list("d.json", [...rows("clp"), ...rows("fp")]);
    const several = bdefects([...args.slice(0, -1), mixed, "--out", join(dir, "mixed")]);
    expect([several.status, several.stderr]).toEqual([2, expect.stringMatching(/several criteria \(clp, fp\)/)]);
  });

  const out = ["--method", "prune", "--out", join(dir, "none")];
  it.each([
    ["no folder", [file, "--using", "clp"], /--out: name a folder/],
    [
      "nobody who names neurons",
      [file, "--using", "none", ...out],
      /--using none: leaves the choice .* to a program .*; for a file name who chooses: a criterion, e\.g\. clp, random/,
    ],
    ["a file that is not there", ["gone.pt", "--using", "clp", ...out], /gone\.pt: no such file/],
    ["a file beside an id", [file, "x-y-z", "--using", "clp", ...out], /one file, or ids and groups/],
    [
      "a number for nobody who counts",
      [file, "--using", "clp", "--k", "3", ...out],
      /--k 3: says how many neurons 'CRITERION:topk' and 'random' name; .*--using clp:topk$/m,
    ],
    ["the oracle", [file, "--using", "oracle", ...out], /--using oracle: nobody knows/],
    ["an unknown criterion", [file, "--using", "magic", ...out], /unknown criterion 'magic'; valid/],
    ["a criterion of failing tests", [file, "--using", "deepmufl", ...out], /--using deepmufl: needs failing tests/],
    ["a criterion without images", [file, "--using", "fp", ...out], /--using fp: needs clean images.*--data/],
    [
      "fine-tuning without images",
      [file, "--using", "clp", "--method", "finetune", "--out", dir],
      /--method finetune: needs clean images; name them with --data$/m,
    ],
    [
      "all repairs without images",
      [file, "--using", "clp", "--out", dir],
      /--method: without it all repairs run, and 'finetune' needs clean images; .* or give --method prune$/m,
    ],
    [
      "a condition",
      [file, "--where", "true", "--using", "clp", ...out],
      /--where <sql>: means nothing for a file of you/,
    ],
    [
      "weights to keep",
      [file, "--keep", "--using", "clp", ...out],
      /--keep: means nothing for a file of your own, as /,
    ],
    ["a database", [file, "--db", "sample", "--using", "clp", ...out], /--db <dir>: means nothing for a file of your/],
    [
      "a version",
      [`${file}:sham`, "--using", "clp", ...out],
      /model\.safetensors:sham: versions are those of a database's defects, and a file has none; name the file/,
    ],
    ["a list that is not there", [file, "--using", "gone.json", ...out], /gone\.json: no such file/],
    ["a list of something else", [file, "--using", list("e.json", [1]), ...out], /e\.json: give \["layer:index"/],
    [
      "a list of unknown layers",
      [file, "--using", list("f.json", ["conv1:0"]), ...out],
      /no layer "conv1"; its first is 'features\.0'/,
    ],
    [
      "a list of unknown neurons",
      [file, "--using", list("g.json", ["features.0:8"]), ...out],
      /no neuron features\.0:8/,
    ],
  ])("answers %s with one line and 2, and writes nothing", (_, args, message) => {
    const { status, stdout, stderr } = bdefects(["repair", ...args]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([2, ""]);
    expect(readdirSync(dir)).not.toContain("none");
  });
});
