import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { referenceTable } from "../../bench/reference-table.ts";
import { anomalyIn, noteOf } from "../../src/localize/criteria/nc.ts";
import { statisticOf } from "../../src/localize/statistic.ts";
import { compareWith, openReference } from "../../src/pipeline/own/reference.ts";
import { SAMPLE_DIR } from "../../src/store/shipped/sample.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { textOf } from "../structure/sources.ts";
import { bdefects, rowsOf } from "./program.ts";

const ID = "cifar10-vgg13w8-badnets-small-top040";
const dir = temporaryFolder();
const data = writeTinyData(join(dir, "data"));
const folder = join(dir, "case");
expect(bdefects(["checkout", ID, folder, "--db", "sample"]).status).toBe(0);
const file = join(folder, "model.safetensors");

describe("inspect", () => {
  it("finds a file's neurons as localize finds those of the defect that it was checked out from", () => {
    const criteria = ["--criterion", "clp,fp,slicer"];
    const rows = rowsOf(["inspect", file, "--data", data, ...criteria]);
    for (const judged of rowsOf(["localize", `${ID}:infected`, "--db", "sample", "--data", data, ...criteria])) {
      const own = rows.filter((row) => row.criterion === judged.criterion);
      const raw = judged.raw as Record<string, number[]>;
      const scores = judged.scores as Record<string, number[]>;
      expect(own).toHaveLength(Object.values(raw).flat().length);
      for (const { neuron, raw: u, score } of own) {
        const [layer, index] = (neuron as string).split(":");
        expect([u, score]).toEqual([raw[layer][Number(index)], scores[layer][Number(index)]]);
      }
      expect(own.filter(({ native }) => native).map(({ neuron }) => neuron)).toHaveLength(
        (judged.native as string[]).length,
      );
      expect(own.map(({ rank }) => rank)).toEqual(own.map((_, i) => i + 1));
      const inOrder = own.map(({ score }) => score as number);
      expect(inOrder).toEqual([...inOrder].sort((a, b) => b - a));
    }
  });

  it("holds a file against every model of the reference, itself among the infected ones", () => {
    const [row] = rowsOf(["inspect", file, "--criterion", "clp", "--summary"]);
    expect(row).toMatchObject({ criterion: "clp", statistic: "outlier-mean", infected: 85, shams: 85 });
    expect(row.infected_as_suspicious).toBeGreaterThanOrEqual(1);
    expect(row).toMatchObject({ same_arch_infected: 22, same_arch_shams: 22 });
    expect(row.same_arch_infected_as_suspicious).toBeLessThanOrEqual(row.infected_as_suspicious as number);
  });

  it("leads with whether there is a backdoor, by each criterion's own gate, and with its false alarms", () => {
    const args = ["inspect", file, "--data", data, "--budget", "short", "--out", temporaryFolder()];
    const { stdout } = bdefects([...args, "--criterion", "clp,nc"]);
    const lines = stdout.replace(/\n(?! *(?:criterion|nc:|clp:))/g, " ");
    const verdict =
      /nc: (a|no) backdoor \(anomaly-index (\d+\.\d\d), gate 2\.00\)\. It finds one in 45 of 85 infected models, and falsely in 7 of 97 clean models and shams\./;
    const [, word, index] = verdict.exec(lines) ?? [];
    expect(word).toBe(Number(index) > 2 ? "a" : "no");
    expect(stdout.search(/^nc: (a|no) backdoor/m)).toBeLessThan(stdout.search(/^criterion /m));
    const [row] = rowsOf([...args, "--criterion", "nc", "--summary"]);
    expect(row).toMatchObject({ gate: 2, clean_passing: 1, shams_passing: 6, infected_passing: 45 });
    expect(row.passes).toBe((row.value as number) > 2);
    expect(bdefects([...args, "--criterion", "clp"]).stdout).toMatch(
      /None of these criteria says: nc, attribution and/,
    );
  });

  it("prints what this project's own criteria say of the model, and that the reference holds nothing of a search cut short", () => {
    const args = ["inspect", file, "--data", data, "--criterion", "clp,learned", "--budget", "demo"];
    const { status, stdout, stderr } = bdefects(args);
    expect(status, stderr).toBe(0);
    expect(stdout.replace(/\s+/g, " ")).toMatch(
      /learned: (a|no) backdoor: T -?\d+\.\d\d, gate -?\d+\.\d\d; weights of all models/,
    );
    expect(stdout).not.toMatch(/^clp:/m);
    expect(stdout.replace(/\s+/g, " ")).toContain("No model of the reference was judged by it at this budget");
    // A search that is cut short decides nothing.
    expect(stderr).toMatch(
      /^warning: --budget demo: the search behind the gate of learned is cut short; .*leave --budget out$/m,
    );
    const ungated = bdefects(["inspect", file, "--data", data, "--criterion", "clp", "--budget", "demo"]);
    expect([ungated.status, ungated.stderr]).toEqual([0, expect.not.stringContaining("--budget demo")]);
  });

  it("prints accuracy, counts and neurons for people, and saves no picture where no trigger was reversed", () => {
    const out = join(dir, "out");
    const ran = bdefects(["inspect", file, "--data", data, "--criterion", "clp", "--out", out]);
    expect(ran.status, ran.stderr).toBe(0);
    // Made-up images: the network was not trained on them.
    expect(ran.stderr).toMatch(/^warning: clean accuracy is 0\.\d+, near chance \(0\.100\)/m);
    expect(ran.stdout).toMatch(
      /vgg13w8,\s10\sclasses[\s\S]*clean accuracy: 0\.\d{4} of 60 images[\s\S]* of 85 [\s\S]*Not proven/,
    );
    expect(existsSync(out)).toBe(false);
    // A path is a word, and no word is broken.
    for (const line of ran.stdout.split("\n"))
      if (!line.includes(dir)) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it("is what localize names to somebody who gives it a file", () => {
    const { status, stderr } = bdefects(["localize", file, "--db", "sample", "--criterion", "clp"]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: .* is a file or folder, .*bdefects inspect FILE/),
    ]);
  });

  it.each([
    ["a file that is not there", ["nowhere.safetensors"], /nowhere\.safetensors: no such file/],
    ["a criterion that needs failing tests", [file, "--criterion", "deepmufl"], /needs failing tests.*clean ones: fp/],
    ["a criterion that needs images", [file, "--criterion", "fp"], /--criterion fp: needs clean images.*--data/],
    [
      "a folder of other files for the trigger",
      [file, "--criterion", "clp", "--out", folder],
      /holds '[^']+', which no in/,
    ],
    ["a file for that folder", [file, "--criterion", "clp", "--out", file], /is a file, not a folder/],
    ["a mean alone", [file, "--data", data, "--mean", "0.5"], /--std: give --mean and --std together/],
    ["a mean of bytes", [file, "--data", data, "--mean", "125", "--std", "60"], /--mean '125'.*from 0 to 1/],
    ["a mean of words", [file, "--data", data, "--mean", "imagenet"], /--mean 'imagenet'.*one number or three/],
    ["a reference that is no database", [file, "--criterion", "clp", "--db", dir], /not a database/],
    ["images of other classes", [file, "--data", dir], /2 class folders .case, data., and the network has 10 classes/],
  ])("answers %s with one line and 2", (_, args, message) => {
    const { status, stdout, stderr } = bdefects(["inspect", ...args]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([2, ""]);
  });
});

describe("the statistic of a localization", () => {
  it("is NC's anomaly index as the stored note has it", () => {
    const norms = new Map([[3, 9.74]]);
    const trigger = { target: 3, height: 32, width: 32, norms, anomaly: 2.549, flagged: true };
    for (const flagged of [true, false]) {
      const note = noteOf({ ...trigger, flagged });
      expect(anomalyIn(note)).toBe(2.5);
      expect(statisticOf("nc").of({ raw: {}, note })).toBe(2.5);
    }
    expect(anomalyIn(null)).toBeNull();
  });

  it("is otherwise free of a layer's scale, and rises with outliers", () => {
    const { of } = statisticOf("clp");
    const bulk = Array.from({ length: 200 }, (_, i) => (i * 37) % 101);
    const outliers = [...bulk.slice(2), 400, 420];
    expect(of({ raw: { a: outliers } })).toBeGreaterThan(of({ raw: { a: bulk } })!);
    const scaled = of({ raw: { a: outliers.map((u) => 1e-3 * u - 7) } })!;
    expect(scaled).toBeCloseTo(of({ raw: { a: outliers } })!, 8);
    expect(of({ raw: { a: [1, 1, 1] } })).toBe(0);
  });
});

describe("the shipped reference", () => {
  it("knows the clean criteria of every accepted defect of the sample and of its sham", async () => {
    const reference = await openReference(SAMPLE_DIR, "short");
    const accepted = rowsOf(["query", "--db", "sample", "--where", "status = 'accepted'"]);
    const of = (version: string) => reference.models.filter((model) => model.version === version);
    expect([of("infected").length, of("sham").length]).toEqual([accepted.length, accepted.length]);
    const judged = Object.keys(reference.criteria);
    for (const { values } of reference.models) expect(Object.keys(values).sort()).toEqual(judged.sort());
    const clean = rowsOf(["query", "--db", "sample", "--sql", "select distinct dataset, arch from defects"]);
    expect(of("clean").length).toBe(clean.length);
    expect(compareWith(reference, "nc", 100)).toMatchObject({ infected: 85, infected_as_suspicious: 0 });
    expect(compareWith(reference, "nc", -100)).toMatchObject({ shams: 85, shams_as_suspicious: 85 });
    expect(compareWith(reference, "mine", 1)).toBeNull();
  });

  it("is worth what docs/inspect.md says", async () => {
    expect(textOf("docs/inspect.md")).toContain(referenceTable(await openReference(SAMPLE_DIR, "short")).trim());
  });

  it("is silent about another budget", async () => {
    expect((await openReference(SAMPLE_DIR, "full")).models).toEqual([]);
  });
});
