import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { indicesOutside, subset } from "../../src/images/batch.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { decodeNpy } from "../../src/tensor/npy.ts";
import { readCheckout } from "../attacks/checked-out.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const ID = "cifar10-vgg13w8-badnets-small-top040";
const FILES = ["defender", "test"]
  .flatMap((split) => [`${split}_clean`, `${split}_labels`, `${split}_triggered`, `${split}_triggered_labels`])
  .map((name) => `${name}.npy`);

const data = writeTinyData(temporaryFolder());
const sample = ["--db", "sample", "--data", data];

function imagesOf(dir: string, pixels: string, labels: string): ImageSet {
  const [x, y] = [pixels, labels].map((name) => {
    const path = join(dir, "images", `${name}.npy`);
    return decodeNpy(readFileSync(path), path);
  });
  expect([x.descr, y.descr]).toEqual(["|u1", "<i8"]);
  expect(x.shape.slice(1)).toEqual([3, 32, 32]);
  expect(y.shape).toEqual([x.shape[0]]);
  return {
    count: x.shape[0],
    height: 32,
    width: 32,
    pixels: x.values as Uint8Array,
    labels: Uint8Array.from(y.values),
  };
}

describe("checkout --samples", () => {
  it("brings clean images of both splits, and those of other classes than the target with the trigger", () => {
    const out = join(temporaryFolder(), "case");
    const files = rowsOf(["checkout", ID, out, "--images", "12", ...sample]);
    expect(readdirSync(join(out, "images")).sort()).toEqual([...FILES].sort());
    expect(files.map(({ file }) => file)).toEqual(expect.arrayContaining(FILES.map((file) => `images/${file}`)));
    const { trigger } = readCheckout(out, "model");
    const { target } = JSON.parse(readFileSync(join(out, "labels.json"), "utf8"));
    for (const split of ["defender", "test"]) {
      const clean = imagesOf(out, `${split}_clean`, `${split}_labels`);
      const triggered = imagesOf(out, `${split}_triggered`, `${split}_triggered_labels`);
      expect(clean.count).toBe(12);
      expect(triggered).toEqual(stampSet(trigger, subset(clean, indicesOutside(clean, target))));
    }
    const readme = readFileSync(join(out, "README.md"), "utf8");
    // What it says works as it stands, also where the database is not the usual one.
    expect(readme).toContain(`\nbdefects checkout ${ID} case --samples 64 --db sample\n`);
    for (const file of FILES) expect(readme).toMatch(new RegExp(`\\| \`images/${file}\` \\| \\S`));
  });

  it("takes the same images every time, the first of any larger number, and all where more are asked for", () => {
    const [few, again, all] = ["few", "again", "all"].map((name) => join(temporaryFolder(), name));
    rowsOf(["checkout", ID, few, "--images", "7", ...sample]);
    rowsOf(["checkout", `${ID}:sham`, again, "--images", "7", ...sample]);
    for (const file of FILES) {
      expect(readFileSync(join(again, "images", file)).equals(readFileSync(join(few, "images", file))), file).toBe(
        true,
      );
    }
    const ran = bdefects(["checkout", ID, all, "--images", "50", ...sample]);
    expect(ran.status).toBe(0);
    // The tiny data have 16 images for the defender and 60 to test with.
    expect(ran.stderr).toMatch(/^warning: --samples 50: the defender split has 16 images, and all are written$/m);
    expect(ran.stderr).not.toMatch(/the test split has/);
    const [seven, sixteen, fifty] = [
      imagesOf(few, "defender_clean", "defender_labels"),
      imagesOf(all, "defender_clean", "defender_labels"),
      imagesOf(all, "test_clean", "test_labels"),
    ];
    expect([sixteen.count, fifty.count]).toEqual([16, 50]);
    expect(sixteen.pixels.subarray(0, seven.pixels.length)).toEqual(seven.pixels);
  });

  it("needs no files for the drawn signs", async () => {
    const { dataHash } = await DATASETS.get("signs")!.load({ dataDir: "", seed: 1 });
    const [db, out] = ["db", "case"].map((name) => join(temporaryFolder(), name));
    const [{ id }] = (await sampleDatabase(db, 1, dataHash)).accepted;
    const ran = bdefects(["checkout", id, out, "--images", "9", "--db", db, "--data", temporaryFolder(), "--long"]);
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(imagesOf(out, "defender_clean", "defender_labels").count).toBe(9);
  });

  it("says how to get at a data set that is not at hand, and writes nothing", async () => {
    const parent = temporaryFolder();
    const db = join(temporaryFolder(), "db");
    const [{ id }] = (await sampleDatabase(db, 1)).accepted;
    mkdirSync(join(parent, "full"));
    writeFileSync(join(parent, "full", "thesis.tex"), "");
    for (const [args, message] of [
      [[ID, "new", "--images", "5", "--db", "sample", "--data", parent], /--data.*data fetch cifar10'/],
      // The drawn signs are at hand everywhere, but this database was built from others.
      [[id, "new", "--images", "5", "--db", db], /data set 'signs' is not the one that '\S+' was built from/],
      [[ID, "new", "--images", "0", ...sample], /--images '0': give a whole number from 1/],
      [[ID, "new", "--images", "many", ...sample], /--images 'many'/],
      [[ID, "full", "--images", "5", ...sample], /full: is not empty/],
    ] as const) {
      const [name, dir, ...options] = args;
      const { status, stderr, stdout } = bdefects(["checkout", name, join(parent, dir), ...options]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: [^\n]+\n$/);
      expect(stderr).toMatch(message);
      expect(readdirSync(parent)).toEqual(["full"]);
    }
  });
});

describe("a checkout's README", () => {
  it("is a Hugging Face model card of the version that became the model", () => {
    for (const [version, rate] of [
      ["infected", "ca"],
      ["sham", "ca_sham"],
      ["clean", "ca_clean"],
    ] as const) {
      const out = join(temporaryFolder(), version);
      rowsOf(["checkout", `${ID}:${version}`, out, "--db", "sample"]);
      expect(existsSync(join(out, "images"))).toBe(false);
      const { metrics } = JSON.parse(readFileSync(join(out, "record.json"), "utf8"));
      const [, header, body] = /^---\n(.*?)\n---\n(.*)$/s.exec(readFileSync(join(out, "README.md"), "utf8"))!;
      const card = parse(header, { strict: true });
      expect(card).toMatchObject({
        license: "apache-2.0",
        library_name: "pytorch",
        pipeline_tag: "image-classification",
        datasets: ["cifar10"],
        metrics: ["accuracy"],
      });
      expect(card.tags).toEqual(expect.arrayContaining(["backdoor", "badnets", "vgg13w8", version]));
      const [{ name, results }] = card["model-index"];
      expect(name).toBe(ID);
      expect(results[0].task.type).toBe("image-classification");
      expect(results[0].dataset).toMatchObject({ type: "cifar10", name: "cifar10" });
      expect(results[0].metrics[0]).toEqual({ type: "accuracy", name: "Clean accuracy", value: metrics[rate] });
      expect(body).toMatch(new RegExp(`^\n# ${ID} \\(${version}\\)\n`));
      // Neurons are read behind batch norm and ReLU.
      expect(body).toMatch(/value of a neuron is the output of its \*\*batch norm\*\*, after the ReLU/);
      // What runs the model must not say which version it is.
      expect(readFileSync(join(out, "model.json"), "utf8")).not.toMatch(/infected|sham|badnets|small/);
    }
  });
});
