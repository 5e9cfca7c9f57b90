import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { datasetSize } from "../../src/pipeline/estimate/dataset-size.ts";
import { cifar10 } from "../../src/tasks/classification/datasets/cifar10.ts";
import { cifar100 } from "../../src/tasks/classification/datasets/cifar100.ts";
import { dict, global, int, list, P, pickle, text, tuple } from "../tensor/pickle-bytes.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { array, cifarPickle, namesPickle, type PickleStyle } from "./cifar-pickles.ts";

const PIXELS = 3072;
const BATCHES = [
  { name: "data_batch_1", count: 30 },
  { name: "data_batch_3", count: 10 },
  { name: "test_batch", count: 7 },
];

/** Pixels that no two records share; `most` of 127 makes them UTF-8. */
function pixelsOf(count: number, seed: number, most = 255): Uint8Array {
  return Uint8Array.from({ length: count * PIXELS }, (_, i) => (i * 7 + seed * 31 + (i >> 8)) % (most + 1));
}

describe("CIFAR's python version", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "cifar-python-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  const folderOf = (name: string) => {
    const folder = join(dataDir, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  const labelsOf = (count: number, seed: number, classes = 10) =>
    Array.from({ length: count }, (_, i) => (3 * i + seed) % classes);
  const writeBinary10 = (most?: number) => {
    for (const [seed, { name, count }] of BATCHES.entries()) {
      const [pixels, labels] = [pixelsOf(count, seed, most), labelsOf(count, seed)];
      const records = labels.map((label, i) =>
        Buffer.concat([Buffer.of(label), pixels.subarray(i * PIXELS, (i + 1) * PIXELS)]),
      );
      writeFileSync(join(folderOf("cifar-10-batches-bin"), `${name}.bin`), Buffer.concat(records));
    }
  };
  const writePython10 = (style: PickleStyle, most?: number) => {
    for (const [seed, { name, count }] of BATCHES.entries()) {
      const batch = cifarPickle(pixelsOf(count, seed, most), [count, PIXELS], { labels: labelsOf(count, seed) }, style);
      writeFileSync(join(folderOf("cifar-10-batches-py"), name), batch);
    }
  };
  const load10 = () => cifar10.load({ dataDir, seed: 1 });
  const fault = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain("\n");
    return error.message as string;
  };

  it("gives the binary version's images, split and hash, whoever wrote it", async () => {
    writeBinary10();
    const binary = await load10();
    rmSync(join(dataDir, "cifar-10-batches-bin"), { recursive: true });
    const styles: PickleStyle[] = [
      { python: 2 },
      { python: 2, fortran: true },
      { python: 3 },
      { python: 3, byteKeys: true },
    ];
    for (const style of styles) {
      writePython10(style);
      const python = await load10();
      expect(python.dataHash).toBe(binary.dataHash);
      expect(python.cleanVal.pixels).toEqual(binary.cleanVal.pixels);
      expect(python.completeness).toBe("subset");
    }
    expect(cifar10.find(dataDir)).toMatchObject([{ layout: "python version" }]);
  });

  it("reads dark images, whose bytes Python 2 writes as it writes texts", async () => {
    writeBinary10(127);
    const { dataHash } = await load10();
    rmSync(join(dataDir, "cifar-10-batches-bin"), { recursive: true });
    writePython10({ python: 2 }, 127);
    expect((await load10()).dataHash).toBe(dataHash);
    // A text's byte order mark must not be lost.
    const marked = Uint8Array.from([0xef, 0xbb, 0xbf, ...new Uint8Array(PIXELS - 3).fill(65)]);
    const path = join(dataDir, "cifar-10-batches-py", "test_batch");
    writeFileSync(path, cifarPickle(marked, [1, PIXELS], { labels: [4] }, { python: 2 }));
    expect([...(await load10()).test.pixels.subarray(0, 4)]).toEqual([0xef, 0xbb, 0xbf, 65]);
  });

  it("takes the binary version where both are there", async () => {
    writePython10({ python: 2 });
    writeBinary10();
    expect(cifar10.find(dataDir)).toMatchObject([{ layout: "binary version" }]);
  });

  it("reads CIFAR-100's fine labels, and checks the coarse ones", async () => {
    const [train, test] = [pixelsOf(40, 1), pixelsOf(7, 2)];
    const [fine, coarse] = [labelsOf(40, 5, 100), labelsOf(40, 5, 20)];
    const record = (i: number) =>
      Buffer.concat([Buffer.of(coarse[i], fine[i]), train.subarray(i * PIXELS, (i + 1) * PIXELS)]);
    const binary = folderOf("cifar-100-binary");
    writeFileSync(join(binary, "train.bin"), Buffer.concat(fine.map((_, i) => record(i))));
    const testRecords = Array.from({ length: 7 }, (_, i) =>
      Buffer.concat([Buffer.of(2, 90 + i), test.subarray(i * PIXELS, (i + 1) * PIXELS)]),
    );
    writeFileSync(join(binary, "test.bin"), Buffer.concat(testRecords));
    const { dataHash } = await cifar100.load({ dataDir, seed: 1 });
    rmSync(binary, { recursive: true });

    const python = folderOf("cifar-100-python");
    const batch = { coarse_labels: coarse, fine_labels: fine };
    writeFileSync(join(python, "train"), cifarPickle(train, [40, PIXELS], batch, { python: 2 }));
    const ofTest = { fine_labels: [90, 91, 92, 93, 94, 95, 96] };
    writeFileSync(join(python, "test"), cifarPickle(test, [7, 3, 32, 32], ofTest, { python: 3 }));
    writeFileSync(join(python, "meta"), namesPickle("fine_label_names", cifar100.classes));
    expect((await cifar100.load({ dataDir, seed: 1 })).dataHash).toBe(dataHash);

    const wrong = { coarse_labels: coarse.with(3, 20), fine_labels: fine };
    writeFileSync(join(python, "train"), cifarPickle(train, [40, PIXELS], wrong, { python: 2 }));
    expect(await fault(cifar100.load({ dataDir, seed: 1 }))).toMatch(
      /train: record 3 has coarse label 20; valid are 0 to 19/,
    );
  });

  it("names the file and what is wrong with it, and runs nothing", async () => {
    writePython10({ python: 2 });
    const path = join(dataDir, "cifar-10-batches-py", "data_batch_3");
    const attempt = (bytes: Uint8Array) => {
      writeFileSync(path, bytes);
      return fault(load10());
    };
    const three = (labels: number[], shape = [3, PIXELS], data = pixelsOf(3, 1)) =>
      cifarPickle(data, shape, { labels }, { python: 2 });
    expect(await attempt(three([1, 2]))).toMatch(/data_batch_3: has no list 'labels' of 3 labels/);
    expect(await attempt(three([1, 2, 10]))).toMatch(/data_batch_3: record 2 has label 10; valid are 0 to 9/);
    expect(await attempt(three([1, 2, -1]))).toMatch(/record 2 has label -1/);
    expect(await attempt(three([1, 2, 3], [3, 1024], pixelsOf(1, 1)))).toMatch(/data_batch_3: has no 'data' of uint8/);
    expect(await attempt(three([1, 2, 3], [4, PIXELS]))).toMatch(/data_batch_3: .* another size than its shape/);
    expect(await attempt(three([], [0, PIXELS], new Uint8Array()))).toMatch(/data_batch_3: holds no images/);
    expect(await attempt(three([1, 2, 3]).subarray(0, 5000))).toMatch(
      /data_batch_3: refused as a pickle: .* cut short/,
    );
    expect(await attempt(pickle(list(int(1))))).toMatch(/data_batch_3: is a pickle, but of no dict/);
    expect(await attempt(new Uint8Array(0))).toMatch(/data_batch_3: /);
    const floats = array(new Uint8Array(4 * PIXELS), [1, PIXELS], { python: 3 }, "f4");
    expect(await attempt(pickle(dict([text("data"), floats], [text("labels"), list(int(1))])))).toMatch(
      /has no 'data' of uint8/,
    );
    const made = join(dataDir, "made");
    const call = [...global("os", "system"), ...tuple(text(`touch ${made}`)), ...P.reduce];
    expect(await attempt(pickle(dict([text("data"), call])))).toMatch(
      /data_batch_3: .* 'os\.system', which runs programs; nothing was run/,
    );
    expect(existsSync(made)).toBe(false);
  });

  it("refuses other class names, and takes those of a tool that writes some", async () => {
    writePython10({ python: 2 });
    const meta = join(dataDir, "cifar-10-batches-py", "batches.meta");
    writeFileSync(meta, namesPickle("label_names", cifar10.classes.toReversed()));
    expect(await fault(load10())).toMatch(/batches\.meta: class 0 is 'truck', expected 'airplane'/);
    writeFileSync(meta, namesPickle("label_names", [...cifar10.classes, "boat"]));
    expect(await fault(load10())).toMatch(/batches\.meta: 11 class names, expected 10/);
    writeFileSync(meta, namesPickle("label_names", ["airplane"]));
    expect((await load10()).test.count).toBe(7);
  });

  it("tells how many images there are without reading them", () => {
    writeBinary10();
    expect(datasetSize("cifar10", dataDir)).toEqual({ train: 40, test: 7, counted: true });
    rmSync(join(dataDir, "cifar-10-batches-bin"), { recursive: true });
    writePython10({ python: 2 });
    const { train, test } = datasetSize("cifar10", dataDir)!;
    expect([Math.abs(train - 40) <= 1, Math.abs(test - 7) <= 1]).toEqual([true, true]);
  });

  const python = findTorchPython();
  it.skipIf(!python)("reads what Python and NumPy write", async () => {
    const script = `
import os, pickle, sys
import numpy as np
folder = os.path.join(sys.argv[1], "cifar-10-batches-py"); os.makedirs(folder)
for name, n in (("data_batch_1", 20), ("test_batch", 5)):
    x = (np.arange(n * 3072) % 251).astype(np.uint8).reshape(n, 3072)
    d = {b"data": np.asfortranarray(x), b"labels": np.arange(n) % 10, b"filenames": [b"a.png"] * n}
    pickle.dump(d, open(os.path.join(folder, name), "wb"), int(sys.argv[2]))
`;
    for (const protocol of ["2", "3", "4", "5"]) {
      const at = join(dataDir, protocol);
      execFileSync(python!.command, ["-c", script, at, protocol]);
      const { train, cleanVal, test } = await cifar10.load({ dataDir: at, seed: 1 });
      expect([train.count, cleanVal.count]).toEqual([19, 1]);
      expect([...test.labels]).toEqual([0, 1, 2, 3, 4]);
      expect(test.pixels).toEqual(Uint8Array.from({ length: 5 * PIXELS }, (_, i) => i % 251));
    }
  });
});
