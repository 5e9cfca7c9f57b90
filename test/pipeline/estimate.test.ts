import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { multiplyAdds } from "../../src/graph/cost.ts";
import { chooseJobs } from "../../src/pipeline/build/jobs.ts";
import { datasetSize } from "../../src/pipeline/estimate/dataset-size.ts";
import { estimatePlan, wallSeconds } from "../../src/pipeline/estimate/estimate.ts";
import { workerBytes } from "../../src/pipeline/estimate/memory.ts";
import { shippedRates } from "../../src/pipeline/estimate/rates.ts";
import { TimeLeft } from "../../src/pipeline/estimate/time-left.ts";
import { candidateWork, changedValues, cleanValues, cleanWork } from "../../src/pipeline/estimate/work.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import type { Rate } from "../../src/records/rates.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { bdefects } from "../cli/program.ts";
import { TINY, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const edition = loadEdition(TINY);
const data = writeTinyData(temporaryFolder());
const images = { train: 320, test: 60 };
const narrow = buildNetwork("resnet18w4", 10);

/** As if w4 models of the tiny recipe had been measured. */
const rates: Rate[] = [
  {
    ...{ kind: "clean", dataset: "cifar10", arch: "resnet18w4", attack: "-", style: "-", level: "-", count: 1 },
    ...{ seconds: 10, bytes: 1000 },
    ...{ work: cleanWork(narrow, edition.clean, images), values: cleanValues(narrow) },
  },
  {
    ...{ kind: "candidate", dataset: "cifar10", arch: "resnet18w4", attack: "badnets", style: "plain", level: "small" },
    ...{ count: 4, seconds: 20, bytes: 300 },
    work: candidateWork(narrow, "small", edition.inject, edition.measure, images),
    values: changedValues(narrow, "small"),
  },
];

const estimate = (arch: string, level: "small" | "large") => {
  const plan = makePlan(edition, { ...edition.select, arch: [arch], level: [level], offset: [0, 5] });
  return estimatePlan(edition, plan, rates, data, null);
};

describe("estimates", () => {
  it("take over what was measured of the same kind", async () => {
    const { clean, candidates } = await estimate("resnet18w4", "small");
    expect(clean).toMatchObject([{ seconds: 10, bytes: 1000, basis: "measured", from: "clean/cifar10-resnet18w4" }]);
    const each = { seconds: 20, bytes: 300, basis: "measured", from: "cifar10-resnet18w4-badnets-small" };
    expect(candidates).toMatchObject([each, each]);
  });

  it("scale by multiply-adds where the architecture is another", async () => {
    const { clean, candidates } = await estimate("resnet18w8", "small");
    const ratio = multiplyAdds(buildNetwork("resnet18w8", 10)) / multiplyAdds(narrow);
    expect(ratio).toBeGreaterThan(3);
    expect(clean[0].basis).toBe("scaled");
    expect(clean[0].seconds).toBeCloseTo(10 * ratio, 6);
    // Wider layers have more neurons to try singly, so a candidate grows by no less.
    expect(candidates[0].seconds).toBeGreaterThanOrEqual(20 * ratio);
    expect(candidates[0]).toMatchObject({ basis: "scaled", from: "cifar10-resnet18w4-badnets-small" });
  });

  it("count the rounds of an injection that hides, and the patches that it looks for", async () => {
    const plan = makePlan(edition, { ...edition.select, arch: ["resnet18w4"], level: ["small"], offset: [0] });
    const seconds = async (rounds: number, patches: number) => {
      const inject = { ...edition.inject, evasion: { rounds, patches, share: 0.25 } };
      return (await estimatePlan({ ...edition, inject }, plan, rates, data, null)).candidates[0].seconds!;
    };
    const [one, two, four] = [await seconds(1, 1), await seconds(2, 1), await seconds(4, 1)];
    // A first round has two looks: at what was tuned, and at what was tuned anew.
    expect(one - 20).toBeGreaterThan(two - one);
    expect(four - two).toBeCloseTo(2 * (two - one), 6);
    expect(await seconds(1, 2)).toBeGreaterThan(one);
  });

  it("scale bytes by what a level changes", async () => {
    const { candidates } = await estimate("resnet18w4", "large");
    expect(candidates[0].bytes).toBeCloseTo((300 * changedValues(narrow, "large")) / changedValues(narrow, "small"), 6);
  });

  it("take half the bytes for an edition on the grid of half precision, where others were measured", async () => {
    const plan = makePlan(edition, { ...edition.select, arch: ["resnet18w4"], level: ["small"], offset: [0] });
    const { clean, candidates } = await estimatePlan({ ...edition, grid: "half" }, plan, rates, data, null);
    expect([clean[0].bytes, candidates[0].bytes]).toEqual([500, 150]);
  });

  it("of language models are not scaled from networks of images, and unknown without rates of their own", async () => {
    const texts = loadEdition("demolanguage");
    const plan = makePlan(texts, texts.select);
    const unknown = await estimatePlan(texts, plan, rates, data, null);
    const none = { seconds: null, basis: "unknown", from: null };
    expect(unknown.clean).toMatchObject([none]);
    expect(unknown.candidates).toMatchObject([none, none]);
    const shipped = shippedRates().flatMap((table) => table.rates);
    const known = await estimatePlan(texts, plan, [...rates, ...shipped], data, null);
    for (const { basis, from } of [...known.clean, ...known.candidates]) {
      expect(["measured", "scaled"]).toContain(basis);
      expect(from).toContain("glosses-llama2d64");
    }
    const left = new TimeLeft({ a: null, b: 20 }, 1);
    expect(left.seconds()).toBeNull();
    left.finish("a", 10);
    expect(left.seconds()).toBe(20);
  });

  it("of lanes come from lanes that were measured, and those of images from images", async () => {
    const shipped = shippedRates().flatMap((table) => table.rates);
    const lanes = loadEdition("lanes");
    const known = await estimatePlan(lanes, makePlan(lanes, lanes.select), shipped, data, null);
    for (const { basis, from } of [...known.clean, ...known.candidates]) {
      expect([basis, from]).toEqual(["measured", expect.stringContaining("roads-ufld18w16")]);
    }
    const small = loadEdition("demolanes");
    const scaled = await estimatePlan(small, makePlan(small, small.select), shipped, data, null);
    for (const { basis, from } of [...scaled.clean, ...scaled.candidates]) {
      expect([basis, from]).toEqual(["scaled", expect.stringContaining("roads-ufld18w16")]);
    }
    const demo = loadEdition("demo");
    const { clean, candidates } = await estimatePlan(demo, makePlan(demo, demo.select), shipped, data, null);
    for (const { from } of [...clean, ...candidates]) expect(from).not.toContain("roads");
  });

  it("divide by the workers that the cores can feed", async () => {
    const found = await estimate("resnet18w4", "small");
    expect(wallSeconds(edition, found, 2, 2)).toBeCloseTo(10 + 40 / 2);
    expect(wallSeconds(edition, found, 8, 1)).toBeCloseTo(50);
    const wide = { ...edition, clean: { ...edition.clean, threads: 2 }, inject: { ...edition.inject, threads: 2 } };
    expect(wallSeconds(wide, found, 2, 2)).toBeCloseTo(50);
  });

  it("are told for every candidate on stdout, in total on stderr, with where they come from", () => {
    const args = ["build", "--edition", TINY, "--dry-run", "--data", data, "--format", "json"];
    const { status, stdout, stderr } = bdefects([...args, "--db", join(temporaryFolder(), "none"), "--jobs", "1"]);
    expect(status, stderr).toBe(0);
    const rows = JSON.parse(stdout) as Record<string, unknown>[];
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      expect(row).toMatchObject({ seconds_estimate: expect.any(Number), basis: "scaled", clean: expect.any(String) });
      expect(row.bytes_estimate).toBeGreaterThan(1000);
    }
    expect(stderr).toMatch(
      /^candidates: 6 \(6 plain\)\nnot selected: 6 discreet \([^\n]+\)\nclean models: 1\ncifar10: 320 training and 60 test images/,
    );
    expect(stderr).toMatch(/\nestimate: \S+ hours with 1 job\(s\) on \d+ cores .* GB\n/);
    expect(stderr).toContain(shippedRates()[0].machine);
  });

  it("are unknown, and not 0 hours, where nothing like the models was measured", () => {
    const example = join(import.meta.dirname, "../../examples/refusal.yaml");
    const args = ["build", "--edition", example, "--dry-run", "--jobs", "1", "--db", join(temporaryFolder(), "none")];
    const { status, stderr } = bdefects(args);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(
      /\nestimate: unknown hours with 1 job\(s\) .*clean models unknown, candidates unknown hours\), 0\.0005\d GB\n/,
    );
    expect(stderr).toMatch(/--style discreet; unknown hours/);
  });
});

describe("the size of a data set", () => {
  it("is counted where its files are, else the official one", () => {
    const folder = temporaryFolder();
    expect(datasetSize("gtsrb", folder)).toEqual({ train: 39_209, test: 12_630, counted: false });
    expect(datasetSize("cifar10", data)).toEqual({ ...images, counted: true });
    const pictures = join(folder, "GTSRB/Final_Training/Images/00000");
    mkdirSync(pictures, { recursive: true });
    mkdirSync(join(folder, "GTSRB/Final_Test"));
    writeFileSync(join(pictures, "GT-00000.csv"), "Filename;ClassId\na.ppm;0\nb.ppm;0\n");
    writeFileSync(join(folder, "GTSRB/Final_Test/GT-final_test.csv"), "Filename;ClassId\na.ppm;0\n");
    expect(datasetSize("gtsrb", folder)).toEqual({ train: 2, test: 1, counted: true });
    expect(datasetSize("mnist", folder)).toBeNull();
  });
});

describe("the number of workers", () => {
  const plan = makePlan(edition, edition.select);
  const need = workerBytes(edition, plan.clean[0]);
  it.each([
    ["models", { left: 1, cores: 8, memory: 100 * need }, 1],
    ["cores", { left: 9, cores: 3, memory: 100 * need }, 3],
    ["memory", { left: 9, cores: 8, memory: 2.5 * need }, 2],
    ["memory", { left: 9, cores: 8, memory: need / 2 }, 1],
  ])("is bound by %s", (bound, { left, cores, memory }, jobs) => {
    expect(chooseJobs(edition, plan, left, cores, memory)).toEqual({ bound, jobs });
  });
});
