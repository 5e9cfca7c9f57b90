import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { takeArchive } from "../../src/datasets/fetch/by-hand.ts";
import { fetchDataset } from "../../src/datasets/fetch/fetch.ts";
import type { DatasetDefinition } from "../../src/datasets/types.ts";
import { cifar10 } from "../../src/tasks/classification/datasets/cifar10.ts";
import { gtsrb } from "../../src/tasks/classification/datasets/gtsrb.ts";
import { signs } from "../../src/tasks/classification/datasets/signs.ts";
import { type Item, tarOf, zipOf } from "./archives.ts";
import { cifarPickle } from "./cifar-pickles.ts";
import { type GtsrbKind, writeGtsrb } from "./gtsrb-files.ts";

const PIXELS = 3072;
const batch = (count: number, seed: number) => {
  const pixels = Uint8Array.from({ length: count * PIXELS }, (_, i) => (i * 7 + seed) % 256);
  return Buffer.from(
    cifarPickle(pixels, [count, PIXELS], { labels: Array.from({ length: count }, (_, i) => i % 10) }, { python: 2 }),
  );
};
const PYTHON: Item[] = [
  { path: "cifar-10-batches-py/" },
  { path: "cifar-10-batches-py/data_batch_1", data: batch(20, 1) },
  { path: "cifar-10-batches-py/test_batch", data: batch(5, 2) },
];

describe("takeArchive", () => {
  let root: string;
  let dataDir: string;
  let said: string[];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "by-hand-"));
    dataDir = join(root, "data");
    said = [];
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const archiveOf = (name: string, bytes: Buffer) => {
    const path = join(root, name);
    writeFileSync(path, bytes);
    return path;
  };
  const take = (file: string, definition: DatasetDefinition = cifar10) =>
    takeArchive(definition, file, dataDir, (text) => said.push(text));
  const fault = async (file: string, definition?: DatasetDefinition) => {
    const error = await take(file, definition).then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain("\n");
    return error.message as string;
  };
  const pythonArchive = gzipSync(tarOf(PYTHON));

  it("puts a published one, told by its MD5, where it belongs, and keeps it", async () => {
    const file = archiveOf("renamed.bin", pythonArchive);
    const md5 = createHash("md5").update(pythonArchive).digest("hex");
    const published = { ...cifar10, otherArchives: [{ ...cifar10.otherArchives[0], md5 }] };
    await take(file, published);
    expect(said[0]).toBe(`${file}: is cifar-10-python.tar.gz as published, by its MD5`);
    expect(readdirSync(dataDir)).toEqual(["cifar-10-batches-py"]);
    expect(readFileSync(file).equals(pythonArchive)).toBe(true);
    expect((await cifar10.load({ dataDir, seed: 1 })).test.count).toBe(5);
    said = [];
    await take(file, published);
    expect(said).toEqual([expect.stringMatching(/cifar-10-batches-py is already there; remove it to unpack it again/)]);
  });

  it("says that any other is unofficial, and takes it in as a subset", async () => {
    const file = archiveOf("mine.tgz", pythonArchive);
    await take(file);
    expect(said[0]).toMatch(/mine\.tgz: is unofficial: its MD5 [0-9a-f]{32} is of no known archive of cifar10 \(/);
    expect(readdirSync(dataDir)).toEqual(["cifar-10-batches-py"]);
    expect((await cifar10.load({ dataDir, seed: 1 })).completeness).toBe("subset");
    expect(await fault(file)).toMatch(/data.cifar-10-batches-py: exists already; move it away/);
  });

  it("puts what comes in no folder of its own into one of the archive's name", async () => {
    const flat = PYTHON.slice(1).map(({ path, data }) => ({ path: path.split("/")[1], data }));
    await take(archiveOf("flat.tar", tarOf(flat)));
    expect(readdirSync(dataDir)).toEqual(["flat"]);
    expect((await cifar10.load({ dataDir, seed: 1 })).train.count).toBe(19);
  });

  it("refuses one of a published name with another MD5", async () => {
    expect(await fault(archiveOf("cifar-10-python.tar.gz", pythonArchive))).toMatch(
      /cifar-10-python\.tar\.gz as published has c58f30108f718f92721af3b95e74349a: it is damaged or another's; .* rename it/,
    );
    expect(existsSync(dataDir)).toBe(false);
  });

  it("names the data set for which it is, by its MD5 or by what it holds", async () => {
    const file = archiveOf("mine.tgz", pythonArchive);
    const md5 = createHash("md5").update(pythonArchive).digest("hex");
    const published = { ...cifar10, otherArchives: [{ ...cifar10.otherArchives[0], md5 }] };
    const mend = `${file}: holds cifar10, not gtsrb; run 'bdefects data fetch cifar10 --archive ${file}'`;
    for (const others of [[published], [signs, gtsrb, cifar10]]) {
      await expect(takeArchive(gtsrb, file, dataDir, undefined, others)).rejects.toThrow(mend);
      expect(existsSync(dataDir)).toBe(false);
    }
  });

  it("takes GTSRB's archives one by one, and Kaggle's", async () => {
    const zipped = (kind: GtsrbKind, keep: (path: string) => boolean) => {
      const folder = join(root, `of-${kind}`);
      if (!existsSync(folder)) writeGtsrb(folder, kind);
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const items = files.map((entry): Item => {
        const path = join(entry.parentPath, entry.name);
        return { path: relative(folder, path).split(sep).join("/"), data: readFileSync(path) };
      });
      return zipOf(items.filter(({ path }) => keep(path)));
    };
    await take(
      archiveOf(
        "kaggle.zip",
        zipped("kaggle", () => true),
      ),
      gtsrb,
    );
    const { dataHash } = await gtsrb.load({ dataDir, seed: 1 });
    expect(readdirSync(dataDir)).toEqual(["kaggle"]);
    rmSync(dataDir, { recursive: true });

    const parts: [string, (path: string) => boolean][] = [
      ["a.zip", (path) => path.includes("Training")],
      ["b.zip", (path) => path.endsWith(".ppm") && path.includes("Test")],
      ["c.zip", (path) => path.endsWith("GT-final_test.csv")],
    ];
    for (const [name, keep] of parts) {
      const items = zipped("official", keep);
      mkdirSync(join(dataDir, name), { recursive: true });
      await takeArchive(gtsrb, archiveOf(name, items), join(dataDir, name));
    }
    expect((await gtsrb.load({ dataDir, seed: 1 })).dataHash).toBe(dataHash);
  });

  it("refuses what is no archive, or holds nothing of it, in one line, and leaves nothing", async () => {
    expect(await fault(join(root, "nowhere.zip"))).toMatch(/cannot read .*nowhere\.zip: it does not exist/);
    mkdirSync(join(root, "folder"));
    expect(await fault(join(root, "folder"))).toMatch(/folder: is a folder; name it with --data/);
    expect(await fault(archiveOf("page.zip", Buffer.from("<html>")))).toMatch(/page\.zip: is a web page, not the file/);
    expect(await fault(archiveOf("x.rar", Buffer.from("Rar!")))).toMatch(/is neither a zip nor a tar/);
    expect(await fault(archiveOf("empty", Buffer.alloc(0)))).toMatch(/is neither a zip nor a tar/);
    const other = zipOf([{ path: "other/a.txt", data: Buffer.from("a") }]);
    expect(await fault(archiveOf("other.zip", other))).toMatch(/other\.zip: holds nothing of cifar10 in a layout/);
    expect(await fault(archiveOf("half.tgz", pythonArchive.subarray(0, pythonArchive.length >> 1)))).toMatch(
      /cannot unpack half\.tgz: /,
    );
    const out = gzipSync(tarOf([...PYTHON, { path: "../evil", data: Buffer.from("evil") }]));
    expect(await fault(archiveOf("out.tgz", out))).toMatch(/'\.\.\/evil' leads out of the folder/);
    expect(existsSync(join(root, "evil"))).toBe(false);
    expect(await fault(archiveOf("x.zip", other), signs)).toMatch(/signs is drawn and takes no archive/);
    expect(await fault(archiveOf("half.zip", other.subarray(0, 40)))).toMatch(
      /cannot unpack half\.zip: it is cut short/,
    );
    const damaged = zipOf([{ path: "cifar-10-batches-py/data_batch_1", data: Buffer.from("many bytes") }]);
    damaged[damaged.indexOf("many")]++;
    expect(await fault(archiveOf("damaged.zip", damaged))).toMatch(/data_batch_1' is damaged: its CRC-32 is another/);
    expect(existsSync(dataDir)).toBe(false);
  });

  it("writes through no link", async () => {
    mkdirSync(join(root, "precious"));
    mkdirSync(dataDir);
    symlinkSync(join(root, "precious"), join(dataDir, ".fetch"));
    expect(await fault(archiveOf("mine.tgz", pythonArchive))).toMatch(/\.fetch: is a symbolic link/);
    rmSync(join(dataDir, ".fetch"));
    symlinkSync(join(root, "gone"), join(dataDir, "cifar-10-batches-py"));
    expect(await fault(archiveOf("mine.tgz", pythonArchive))).toMatch(/cifar-10-batches-py: exists already/);
    expect(readdirSync(join(root, "precious"))).toEqual([]);
  });

  it("is not followed by a download where the data set is there in another layout", async () => {
    await take(archiveOf("mine.tgz", pythonArchive));
    said = [];
    await fetchDataset(cifar10, dataDir, { onStep: (text) => said.push(text) });
    expect(said).toEqual([expect.stringMatching(/cifar10: python version is already in .*cifar-10-batches-py; /)]);
  });
});
