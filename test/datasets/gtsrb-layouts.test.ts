import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { datasetSize } from "../../src/pipeline/estimate/dataset-size.ts";
import { gtsrb } from "../../src/tasks/classification/datasets/gtsrb.ts";
import { type GtsrbKind, writeGtsrb } from "./gtsrb-files.ts";

describe("GTSRB as people have it", () => {
  let root: string;
  let hash: string;
  /** Every layout once; tests change copies. */
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "gtsrb-layouts-"));
    for (const kind of ["official", "torchvision", "kaggle"] as const) writeGtsrb(join(root, kind), kind);
    hash = (await gtsrb.load({ dataDir: join(root, "official"), seed: 1 })).dataHash;
  });
  afterAll(() => rmSync(root, { recursive: true }));
  let copies = 0;
  const copyOf = (kind: GtsrbKind) => {
    const copy = join(root, `copy-${copies++}`, "here");
    cpSync(join(root, kind), copy, { recursive: true });
    return copy;
  };
  const load = (dataDir: string) => gtsrb.load({ dataDir, seed: 1 });
  const fault = async (dataDir: string) => {
    const error = await load(dataDir).then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain("\n");
    return error.message as string;
  };

  it("gives the same images, split and hash in every layout", async () => {
    const official = await load(join(root, "official"));
    expect([official.train.count, official.cleanVal.count, official.test.count]).toEqual([86, 86, 5]);
    for (const [kind, layout] of [
      ["torchvision", "torchvision's layout"],
      ["kaggle", "Kaggle's layout"],
    ]) {
      const data = await load(join(root, kind));
      expect([kind, data.dataHash]).toEqual([kind, hash]);
      expect(data.cleanVal.pixels).toEqual(official.cleanVal.pixels);
      expect(gtsrb.find(join(root, kind))).toMatchObject([{ layout }]);
      expect(datasetSize("gtsrb", join(root, kind))).toEqual({ train: 172, test: 5, counted: true });
    }
  });

  it("finds it where the folder itself is named, its parent, or one level further", async () => {
    for (const named of [
      ...["official", "official/GTSRB", "official/GTSRB/Final_Training", "official/GTSRB/Final_Training/Images"],
      ...[
        "official/GTSRB/Final_Test",
        "torchvision/gtsrb",
        "torchvision/gtsrb/GTSRB",
        "torchvision/gtsrb/GTSRB/Training",
      ],
      ...["kaggle/Train", "kaggle/Test"],
    ]) {
      expect([named, (await load(join(root, named))).dataHash]).toEqual([named, hash]);
    }
    const below = copyOf("torchvision");
    expect((await load(join(below, ".."))).dataHash).toBe(hash);
    expect(gtsrb.find(below)[0].folder).toBe(join(below, "gtsrb", "GTSRB"));
  });

  it("does not look above a folder that has nothing to do with it", async () => {
    const copy = copyOf("official");
    mkdirSync(join(copy, "empty"));
    expect(gtsrb.find(join(copy, "empty"))).toEqual([]);
    expect(await fault(join(copy, "empty"))).toMatch(
      /^no gtsrb in .*empty: looked there and up to 3 folders below for GTSRB\/ .*torchvision.*Kaggle.*; name the folder .* run 'bdefects data fetch gtsrb'/,
    );
  });

  it("refuses two that are equally near, and takes the nearer of two", async () => {
    const one = copyOf("kaggle");
    renameSync(one, join(one, "..", "a"));
    cpSync(join(one, "..", "a"), join(one, "..", "b"), { recursive: true });
    expect(await fault(join(one, ".."))).toMatch(/holds gtsrb 2 times \(.*a, .*b\); name one of them with --data/);
    expect((await load(join(one, "..", "a"))).dataHash).toBe(hash);
  });

  it("finds archives that were unpacked into folders of their own", async () => {
    const copy = copyOf("official");
    const move = (from: string, to: string) => {
      mkdirSync(join(copy, to, ".."), { recursive: true });
      renameSync(join(copy, from), join(copy, to));
    };
    move("GTSRB/Final_Training", "GTSRB_Final_Training_Images/GTSRB/Final_Training");
    move("GTSRB/Final_Test/GT-final_test.csv", "GTSRB_Final_Test_GT/GT-final_test.csv");
    move("GTSRB/Final_Test", "GTSRB_Final_Test_Images/GTSRB/Final_Test");
    expect((await load(copy)).dataHash).toBe(hash);
  });

  it("takes other cases, class folders without zeros, and pictures that were converted", async () => {
    const copy = copyOf("official");
    renameSync(join(copy, "GTSRB"), join(copy, "Gtsrb"));
    renameSync(join(copy, "Gtsrb", "Final_Training"), join(copy, "Gtsrb", "final_training"));
    renameSync(join(copy, "Gtsrb", "Final_Test", "GT-final_test.csv"), join(copy, "Gtsrb", "gt-final_test.CSV"));
    const classes = join(copy, "Gtsrb", "final_training", "Images");
    renameSync(join(classes, "00007"), join(classes, "7"));
    renameSync(join(classes, "00003", "00001_00029.ppm"), join(classes, "00003", "00001_00029.PPM"));
    rmSync(join(classes, "00005", "00000_00000.ppm"));
    cpSync(join(root, "kaggle/Train/5/00005_00000_00000.png"), join(classes, "00005", "00000_00000.png"));
    expect((await load(copy)).dataHash).toBe(hash);
  });

  it("tells classes, tracks and frames by the files' names where tables are missing", async () => {
    const kaggle = copyOf("kaggle");
    rmSync(join(kaggle, "Train.csv"));
    expect((await load(kaggle)).dataHash).toBe(hash);
    const official = copyOf("official");
    rmSync(join(official, "GTSRB/Final_Training/Images/00009/GT-00009.csv"));
    expect((await load(official)).dataHash).toBe(hash);
    for (const name of readdirSync(join(kaggle, "Train/4"))) rmSync(join(kaggle, "Train/4", name));
    expect(await fault(kaggle)).toMatch(/Train.4: holds no pictures/);
    rmSync(join(kaggle, "Train/4"), { recursive: true });
    expect(await fault(kaggle)).toMatch(/Train.00004: the training pictures of class 4 are missing/);
  });

  it("names the table, the line and the picture at fault", async () => {
    const kaggle = copyOf("kaggle");
    const table = join(kaggle, "Train.csv");
    const whole = readFileSync(table, "utf8");
    const attempt = (from: string, to: string) => {
      writeFileSync(table, whole.replace(from, to));
      return fault(kaggle);
    };
    expect(await attempt("Train/42/00042_00001_00029.png", "../../etc/passwd.png")).toMatch(
      /Train\.csv: line 2 has the file name/,
    );
    expect(await attempt("Train/42/00042_00001_00029.png", "/etc/passwd.png")).toMatch(/line 2 has the file name/);
    expect(await attempt(",42,Train/42", ",41,Train/42")).toMatch(/00042_00001_00029\.png is of class 42 by its name/);
    expect(await attempt(",42,Train/42", ",43,Train/42")).toMatch(/line 2 has class '43'; valid are 0 to 42/);
    expect(await attempt("Path", "Pfad")).toMatch(/Train\.csv: its header lacks Filename or Path/);
    writeFileSync(table, whole.replaceAll("Train/", "Train\\").replace(/\\(\d+)\//g, "\\$1\\"));
    expect((await load(kaggle)).dataHash).toBe(hash);
    const picture = join(kaggle, "Train/42/00042_00001_00029.png");
    for (const [content, message] of [
      ["text", /00042_00001_00029\.png: is neither PNG, JPEG nor PPM/],
      ["<html>", /00042_00001_00029\.png: is a web page, not the file itself: download it again/],
      ["version https://git-lfs.github.com/spec/v1\n", /\.png: is a Git LFS pointer, .*: run 'git lfs pull'/],
      [readFileSync(join(kaggle, "Test/00000.png")).subarray(0, 90), /\.png: cannot be decoded, it is damaged or cut/],
    ] as const) {
      writeFileSync(picture, content);
      expect(await fault(kaggle)).toMatch(message);
    }
    writeFileSync(table, "\n");
    expect(await fault(kaggle)).toMatch(/Train\.csv: the file is empty/);
  });

  it("takes Kaggle's folders in another case than its tables", async () => {
    const kaggle = copyOf("kaggle");
    for (const name of ["Train", "Test"]) renameSync(join(kaggle, name), join(kaggle, name.toLowerCase()));
    renameSync(join(kaggle, "Train.csv"), join(kaggle, "TRAIN.CSV"));
    expect((await load(kaggle)).dataHash).toBe(hash);
  });

  it("says which part of Kaggle's is missing, and takes no other data set's tables for it", async () => {
    const kaggle = copyOf("kaggle");
    const aside = join(kaggle, "..", "aside");
    for (const part of ["Train", "Test", "Test.csv"]) {
      renameSync(join(kaggle, part), aside);
      const message = await fault(kaggle);
      expect(message).toMatch(
        /^no .*, which Kaggle's layout of gtsrb has; bring it back .* 'bdefects data fetch gtsrb'/,
      );
      expect(message).toContain(`${join(kaggle, part)},`);
      renameSync(aside, join(kaggle, part));
    }
    rmSync(join(kaggle, "Test.csv"));
    writeFileSync(join(kaggle, "Train.csv"), "id,breed\n1,boxer\n");
    rmSync(join(kaggle, "Test"), { recursive: true });
    expect(await fault(kaggle)).toMatch(/^no gtsrb in /);
  });

  it("says which part is missing, and how to bring it", async () => {
    const copy = copyOf("torchvision");
    rmSync(join(copy, "gtsrb/GT-final_test.csv"));
    expect(await fault(copy)).toMatch(
      /no labels of the test pictures in .*GTSRB.Final_Test.Images: looked for GT-final_test\.csv .*GT-final_test\.test\.csv has no classes.*run 'bdefects data fetch gtsrb'/,
    );
    rmSync(join(copy, "gtsrb/GTSRB/Final_Test"), { recursive: true });
    expect(await fault(copy)).toMatch(/no test pictures of gtsrb beside .*Training: looked for .*Final_Test.Images/);
    const official = copyOf("official");
    rmSync(join(official, "GTSRB/Final_Training"), { recursive: true });
    expect(await fault(official)).toMatch(/no training pictures of gtsrb beside .*Final_Test.Images: looked for/);
  });
});
