import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { cifar10 } from "../../src/tasks/classification/datasets/cifar10.ts";
import { gtsrb } from "../../src/tasks/classification/datasets/gtsrb.ts";

const RECORD = 3073;

/** Records whose first pixel bytes tell their number, their planes their channel. */
function records(count: number, first: number, label = (i: number) => i % 10): Buffer {
  const bytes = Buffer.alloc(count * RECORD);
  for (let i = 0; i < count; i++) {
    bytes[i * RECORD] = label(i);
    for (let c = 0; c < 3; c++)
      bytes.fill(50 * c + ((first + i) % 50), i * RECORD + 1 + c * 1024, i * RECORD + 1025 + c * 1024);
  }
  return bytes;
}

describe("cifar10", () => {
  let dataDir: string;
  let folder: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "cifar10-"));
    folder = join(dataDir, "cifar-10-batches-bin");
    mkdirSync(folder);
    writeFileSync(join(folder, "data_batch_1.bin"), records(30, 0));
    writeFileSync(join(folder, "data_batch_3.bin"), records(10, 30));
    writeFileSync(join(folder, "test_batch.bin"), records(7, 40));
    writeFileSync(join(folder, "batches.meta.txt"), `${cifar10.classes.join("\n")}\n\n`);
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));
  const load = (seed = 1) => cifar10.load({ dataDir, seed });
  const fault = async () => {
    const error = await load().then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain("\n");
    return error.message as string;
  };

  it("reads the batches that are there, channel-major, and splits 95/5", async () => {
    const data = await load();
    expect([data.train.count, data.cleanVal.count, data.test.count]).toEqual([38, 2, 7]);
    expect(data.completeness).toBe("subset");
    expect(cifar10.find(dataDir)[0].lacking).toEqual([2, 4, 5].map((i) => `data_batch_${i}.bin`));
    const seen = [data.train, data.cleanVal].flatMap((set) =>
      Array.from({ length: set.count }, (_, i) => set.pixels[i * 3072]),
    );
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(data.test.pixels[3072 + 1024]).toBe(50 + 41);
    expect([...data.test.labels]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("hashes what was loaded, whatever the split", async () => {
    const { dataHash } = await load(1);
    expect((await load(2)).dataHash).toBe(dataHash);
    expect((await load(2)).cleanVal.pixels).not.toEqual((await load(1)).cleanVal.pixels);
    writeFileSync(join(folder, "test_batch.bin"), records(7, 41));
    expect((await load(1)).dataHash).not.toBe(dataHash);
  });

  it("names the file that is truncated or empty", async () => {
    writeFileSync(join(folder, "data_batch_3.bin"), records(10, 0).subarray(0, 10 * RECORD - 1));
    expect(await fault()).toMatch(/data_batch_3\.bin: 30729 bytes .*3073/);
    writeFileSync(join(folder, "data_batch_3.bin"), "");
    expect(await fault()).toMatch(/data_batch_3\.bin: the file is empty/);
  });

  it("names the file and record of a label out of range", async () => {
    writeFileSync(
      join(folder, "test_batch.bin"),
      records(7, 0, (i) => (i === 5 ? 200 : 9)),
    );
    expect(await fault()).toMatch(/test_batch\.bin: record 5 has label 200/);
  });

  it("names what is missing and how to get it", async () => {
    rmSync(join(folder, "test_batch.bin"));
    expect(await fault()).toMatch(/test_batch\.bin, which the binary version .* run 'bdefects data fetch cifar10'/);
    rmSync(folder, { recursive: true });
    const looked =
      /^no cifar10 in .*: looked there .* cifar-10-batches-bin\/ .* or cifar-10-batches-py\/ .* run 'bdefects/;
    expect(await fault()).toMatch(looked);
    writeFileSync(folder, "no folder");
    expect(await fault()).toMatch(looked);
    writeFileSync(join(dataDir, "cifar-10-python.tar.gz"), "");
    expect(await fault()).toMatch(/'bdefects data fetch cifar10 --archive .*cifar-10-python\.tar\.gz'/);
    const nowhere = cifar10.load({ dataDir: join(dataDir, "nowhere"), seed: 1 });
    await expect(nowhere).rejects.toThrow(/the data folder .*nowhere does not exist/);
  });

  it("is found where the folder itself is named, its parent, or one level further", async () => {
    const { dataHash } = await load();
    const hashOf = async (dir: string) => (await cifar10.load({ dataDir: dir, seed: 1 })).dataHash;
    expect(await hashOf(folder)).toBe(dataHash);
    const deeper = join(dataDir, "a", "b");
    mkdirSync(deeper, { recursive: true });
    renameSync(folder, join(deeper, "CIFAR-10-Batches-Bin"));
    for (const dir of [deeper, join(dataDir, "a"), dataDir]) expect(await hashOf(dir)).toBe(dataHash);
    // A folder of another name too, and a link to it.
    renameSync(join(deeper, "CIFAR-10-Batches-Bin"), join(deeper, "mine"));
    expect(await hashOf(join(deeper, "mine"))).toBe(dataHash);
    symlinkSync(join(deeper, "mine"), join(dataDir, "linked"));
    expect(await hashOf(dataDir)).toBe(dataHash);
    expect(cifar10.find(dataDir)).toEqual([expect.objectContaining({ folder: join(dataDir, "linked") })]);
  });

  it("refuses two that are equally near, and looks in no folder beside", async () => {
    cpSync(folder, join(dataDir, "x", "one"), { recursive: true });
    cpSync(folder, join(dataDir, "x", "two"), { recursive: true });
    expect((await load()).test.count).toBe(7);
    await expect(cifar10.load({ dataDir: join(dataDir, "x"), seed: 1 })).rejects.toThrow(
      /holds cifar10 2 times \(.*one, .*two\); name one of them with --data/,
    );
    mkdirSync(join(dataDir, "empty"));
    expect(cifar10.find(join(dataDir, "empty"))).toEqual([]);
  });

  it("is found beside links that lead nowhere or to themselves", async () => {
    for (const name of ["loop", "Train", "GT-final_test.csv"]) symlinkSync(name, join(dataDir, name));
    symlinkSync("nowhere", join(dataDir, "cifar-10-batches-py"));
    expect((await load()).test.count).toBe(7);
    expect(gtsrb.find(dataDir)).toEqual([]);
    await expect(gtsrb.load({ dataDir, seed: 1 })).rejects.toThrow(/^no gtsrb in /);
  });

  it("refuses other class names", async () => {
    writeFileSync(join(folder, "batches.meta.txt"), cifar10.classes.toReversed().join("\n"));
    expect(await fault()).toMatch(/batches\.meta\.txt: class 0 is 'truck'/);
  });
});

describe.skipIf(!process.env.BDEFECTS_DATA)("cifar10 on real data", () => {
  it("loads every record", async () => {
    const data = await cifar10.load({ dataDir: process.env.BDEFECTS_DATA ?? "", seed: 1 });
    const official = data.train.count + data.cleanVal.count;
    expect(data.completeness === "official" ? [official, data.test.count] : [50000, 10000]).toEqual([50000, 10000]);
    if (data.completeness === "subset") expect([official, data.test.count]).toEqual([20000, 4000]);
    expect(data.cleanVal.count).toBe(Math.round(official * 0.05));
    const histogram = new Array(10).fill(0);
    for (const label of data.test.labels) histogram[label]++;
    expect(new Set(histogram).size).toBe(1);
  });
});
