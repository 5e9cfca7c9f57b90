import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { cifar100 } from "../../src/tasks/classification/datasets/cifar100.ts";

const RECORD = 3074;

/** Records of coarse label, fine label and pixels, whose first pixel bytes tell their number, their planes their channel. */
function records(count: number, first: number, fine = (i: number) => i % 100, coarse = (i: number) => i % 20): Buffer {
  const bytes = Buffer.alloc(count * RECORD);
  for (let i = 0; i < count; i++) {
    bytes[i * RECORD] = coarse(i);
    bytes[i * RECORD + 1] = fine(i);
    for (let c = 0; c < 3; c++)
      bytes.fill(50 * c + ((first + i) % 50), i * RECORD + 2 + c * 1024, i * RECORD + 1026 + c * 1024);
  }
  return bytes;
}

describe("cifar100", () => {
  let dataDir: string;
  let folder: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "cifar100-"));
    folder = join(dataDir, "cifar-100-binary");
    mkdirSync(folder);
    writeFileSync(join(folder, "train.bin"), records(40, 0));
    writeFileSync(
      join(folder, "test.bin"),
      records(7, 40, (i) => 93 + i),
    );
    writeFileSync(join(folder, "fine_label_names.txt"), `${cifar100.classes.join("\n")}\n\n`);
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));
  const load = (seed = 1) => cifar100.load({ dataDir, seed });
  const fault = async () => {
    const error = await load().then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain("\n");
    return error.message as string;
  };

  it("takes the fine label as the class, channel-major pixels, and splits 95/5", async () => {
    const data = await load();
    expect([data.train.count, data.cleanVal.count, data.test.count]).toEqual([38, 2, 7]);
    expect(data.classes).toHaveLength(100);
    expect(new Set(data.classes).size).toBe(100);
    expect(data.completeness).toBe("subset");
    const seen = [data.train, data.cleanVal].flatMap((set) =>
      Array.from({ length: set.count }, (_, i) => [set.pixels[i * 3072], set.labels[i]]),
    );
    expect(seen.sort(([a], [b]) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => [i, i]));
    expect([0, 1024, 2048].map((plane) => data.test.pixels[3072 + plane])).toEqual([41, 91, 141]);
    expect([...data.test.labels]).toEqual([93, 94, 95, 96, 97, 98, 99]);
    const { dataHash } = await load(2);
    expect(dataHash).toBe(data.dataHash);
  });

  it("names the file that is truncated or empty", async () => {
    writeFileSync(join(folder, "train.bin"), records(10, 0).subarray(0, 10 * RECORD - 1));
    expect(await fault()).toMatch(/train\.bin: 30739 bytes .*3074/);
    writeFileSync(join(folder, "test.bin"), "");
    writeFileSync(join(folder, "train.bin"), records(10, 0));
    expect(await fault()).toMatch(/test\.bin: the file is empty/);
  });

  it("names the file, the record and the label out of range", async () => {
    writeFileSync(
      join(folder, "test.bin"),
      records(7, 0, (i) => (i === 5 ? 100 : 9)),
    );
    expect(await fault()).toMatch(/test\.bin: record 5 has label 100; valid are 0 to 99/);
    writeFileSync(
      join(folder, "test.bin"),
      records(
        7,
        0,
        () => 1,
        (i) => (i === 2 ? 20 : 3),
      ),
    );
    expect(await fault()).toMatch(/test\.bin: record 2 has coarse label 20; valid are 0 to 19/);
  });

  it("names what is missing and how to get it", async () => {
    rmSync(join(folder, "test.bin"));
    expect(await fault()).toMatch(/test\.bin, which the binary version .* run 'bdefects data fetch cifar100'/);
    rmSync(folder, { recursive: true });
    expect(await fault()).toMatch(/^no cifar100 in .*cifar-100-binary\/ .*cifar-100-python\/ /);
  });

  it("refuses other class names, but needs none", async () => {
    writeFileSync(join(folder, "fine_label_names.txt"), cifar100.classes.toReversed().join("\n"));
    expect(await fault()).toMatch(/fine_label_names\.txt: class 0 is 'worm', expected 'apple'/);
    rmSync(join(folder, "fine_label_names.txt"));
    expect((await load()).test.count).toBe(7);
  });
});

describe.skipIf(!process.env.BDEFECTS_DATA)("cifar100 on real data", () => {
  it("loads every record, as many of each class", async () => {
    const data = await cifar100.load({ dataDir: process.env.BDEFECTS_DATA ?? "", seed: 1 });
    const official = data.train.count + data.cleanVal.count;
    expect([official, data.test.count]).toEqual(data.completeness === "official" ? [50000, 10000] : [15000, 3000]);
    const histogram = new Array(100).fill(0);
    for (const label of data.test.labels) histogram[label]++;
    expect(new Set(histogram)).toEqual(new Set([data.test.count / 100]));
  });
});
