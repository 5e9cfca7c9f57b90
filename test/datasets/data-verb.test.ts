import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { registerData } from "../../src/cli/verbs/data.ts";
import { InputError } from "../../src/core/errors.ts";
import { DATASETS } from "../../src/tasks/registry.ts";
import { longIt } from "../setup/long.ts";
import { tarOf } from "./archives.ts";
import { cifarPickle } from "./cifar-pickles.ts";

describe("bdefects data", () => {
  let dataDir: string;
  let printed: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "data-verb-"));
    printed = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      printed += text;
      return true;
    });
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(dataDir, { recursive: true });
  });
  const run = async (...argv: string[]) => {
    printed = "";
    const program = new Command("bdefects").exitOverride();
    registerData(program);
    await program.parseAsync(["data", ...argv, "--data", dataDir, "--format", "json"], { from: "user" });
    return JSON.parse(printed) as Record<string, unknown>[];
  };

  it("lists every data set and its state", async () => {
    const rows = await run("list");
    expect(rows.map(({ name }) => name)).toEqual([...DATASETS.keys()]);
    const states = Object.fromEntries(rows.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({ signs: "built in", cifar10: "absent", cifar100: "absent", gtsrb: "absent" });
    expect(rows.find(({ name }) => name === "gtsrb")).toMatchObject({ classes: 43, download_bytes: null });
  });

  it("checks: counts, completeness and hash, or one row per class", async () => {
    expect(await run("check", "signs")).toEqual([
      expect.objectContaining({
        name: "signs",
        completeness: "generated",
        train: 3800,
        clean_val: 200,
        test: 600,
        smallest_class: 400,
        largest_class: 400,
      }),
    ]);
    const classes = await run("check", "signs", "--classes");
    expect(classes).toHaveLength(10);
    expect(classes[9]).toMatchObject({ class: 9, label: "one way", test: 60 });
  });

  it("counts the classes of texts", async () => {
    const classes = await run("check", "glosses", "--classes");
    expect(classes.map(({ label, test }) => [label, test])).toEqual(
      ["animal", "artifact", "communication", "food", "person", "plant", "state", "act"].map((name) => [name, 150]),
    );
  });

  longIt("has no classes to count where a target is a goal", async () => {
    await expect(run("check", "roads", "--classes")).rejects.toThrow("--classes: roads has no classes to count");
  });

  it.each([
    [
      "tusimple",
      /from https:\/\/github\.com\/TuSimple\/tusimple-benchmark\): .* as train_set\/label_data_\*\.json and /,
    ],
    ["sst2", /R\. Socher .*\): .* as sst2\/train\.tsv, with test\.tsv, each with the header sentence<TAB>label;/],
    ["texts", /brought by the user\): .* as texts\/train\.tsv/],
  ])("says where %s, which is not fetched, is from and how it is laid out", async (name, words) => {
    for (const archive of [[], ["--archive", "x.zip"]]) {
      const error = await run("fetch", name, ...archive).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toMatch(words);
      expect(error.message).toContain(`${name} is not fetched`);
      expect(error.message).toContain(dataDir);
    }
  });

  it("points there where a folder of lanes is missing", async () => {
    for (const folder of [dataDir, join(dataDir, "none")]) {
      const error = await Promise.resolve(DATASETS.get("tusimple")!.load({ dataDir: folder, seed: 1 })).catch((e) => e);
      expect(error.message).toMatch(/'bdefects data fetch tusimple' says where it is offered$/);
    }
  });

  it("says in which layout the files were found, and where", async () => {
    const folder = join(dataDir, "below", "cifar-10-batches-py");
    mkdirSync(folder, { recursive: true });
    const labels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    const batch = cifarPickle(new Uint8Array(30_720), [10, 3072], { labels }, { python: 2 });
    for (const name of ["data_batch_1", "test_batch"]) writeFileSync(join(folder, name), batch);
    const found = { layout: "python version", found: folder };
    const rows = await run("list");
    expect(rows.find(({ name }) => name === "cifar10")).toMatchObject({ state: "present", ...found });
    expect(rows.find(({ name }) => name === "signs")).toMatchObject({ state: "built in", layout: null, found: null });
    expect(await run("check", "cifar10")).toEqual([
      expect.objectContaining({ completeness: "subset", train: 9, clean_val: 1, test: 10, ...found }),
    ]);
    expect(process.stderr.write).toHaveBeenLastCalledWith(
      `cifar10: python version in ${folder}, without data_batch_2, data_batch_3, data_batch_4, data_batch_5\n`,
    );
    cpSync(folder, join(dataDir, "beside", "cifar-10-batches-py"), { recursive: true });
    expect((await run("list")).find(({ name }) => name === "cifar10")).toMatchObject({ state: "several" });
  });

  it("takes an archive that was brought by hand", async () => {
    const labels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    const data = Buffer.from(cifarPickle(new Uint8Array(30_720), [10, 3072], { labels }, { python: 3 }));
    const path = join(dataDir, "mine.tar");
    writeFileSync(
      path,
      tarOf(["data_batch_2", "test_batch"].map((name) => ({ path: `cifar-10-batches-py/${name}`, data }))),
    );
    expect(await run("fetch", "cifar10", "--archive", path)).toEqual([
      expect.objectContaining({ name: "cifar10", completeness: "subset", layout: "python version", test: 10 }),
    ]);
    await expect(run("fetch", "cifar10", "--archive", join(dataDir, "none.zip"))).rejects.toThrow(
      /none\.zip: it does not/,
    );
    const other = join(dataDir, "other.tar");
    writeFileSync(other, tarOf([{ path: "a/b.txt", data: Buffer.from("x") }]));
    vi.mocked(process.stderr.write).mockClear();
    await expect(run("fetch", "cifar10", "--archive", other)).rejects.toThrow(/other\.tar: holds nothing of cifar10/);
    expect(process.stderr.write).not.toHaveBeenCalled();
  });

  it("ends with the first fault", async () => {
    await expect(run("check", "cifar10")).rejects.toThrow(/run 'bdefects data fetch cifar10'/);
    const folder = join(dataDir, "cifar-10-batches-bin");
    mkdirSync(folder);
    writeFileSync(join(folder, "data_batch_1.bin"), Buffer.alloc(3073));
    writeFileSync(join(folder, "test_batch.bin"), Buffer.alloc(3000));
    await expect(run("check", "cifar10")).rejects.toThrow(/test_batch\.bin: 3000 bytes/);
    await expect(run("check", "cifar10")).rejects.toThrow(InputError);
    expect(printed).toBe("");
  });

  it("has nothing to fetch for built-in data, and knows no other names", async () => {
    expect(await run("fetch", "signs")).toHaveLength(1);
    await expect(run("fetch", "mnist")).rejects.toThrow(
      /unknown data set 'mnist'; valid: signs, cifar10, cifar100, gtsrb/,
    );
  });
});
