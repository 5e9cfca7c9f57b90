import { cpSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode as encodePng } from "fast-png";
import { describe, expect, it } from "vitest";
import { DATASETS } from "../../src/datasets/registry.ts";
import { temporaryFolder } from "../store/temp.ts";
import { dict, global, int, list, P, pickle, text, tuple } from "../tensor/pickle-bytes.ts";
import { ppm } from "./pictures.ts";

const hashOf = async (name: string, dataDir: string) => (await DATASETS.get(name)!.load({ dataDir, seed: 1 })).dataHash;

const write = (path: string, content: string | Uint8Array) => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
};

describe("CIFAR", () => {
  const pixelsOf = (seed: number, count: number) =>
    Uint8Array.from({ length: count * 3072 }, (_, i) => (i * 7 + seed * 31 + (i >> 5)) % 256);
  const COUNT = 20;

  const bytes = (content: Uint8Array) => [
    0x42,
    ...new Uint8Array(new Uint32Array([content.length]).buffer),
    ...content,
  ];

  /** As NumPy pickles an array of bytes. */
  function array(pixels: Uint8Array): number[] {
    const type = [
      ...global("numpy", "dtype"),
      ...tuple(text("u1"), int(0), int(1)),
      ...P.reduce,
      ...tuple(int(3), text("|"), P.none, P.none, P.none, int(-1), int(-1), int(0)),
      ...P.build,
    ];
    return [
      ...global("numpy.core.multiarray", "_reconstruct"),
      ...tuple(global("numpy", "ndarray"), tuple(int(0)), bytes(Buffer.from("b"))),
      ...P.reduce,
      ...tuple(int(1), tuple(int(pixels.length / 3072), int(3072)), type, [0x89], bytes(pixels)),
      ...P.build,
    ];
  }

  function cifar10(kind: "binary" | "python"): string {
    const root = temporaryFolder();
    for (const [i, name] of [1, 2, 3, 4, 5, "test"].entries()) {
      const [pixels, labels] = [pixelsOf(i, COUNT), Array.from({ length: COUNT }, (_, n) => n % 10)];
      const stem = name === "test" ? "test_batch" : `data_batch_${name}`;
      if (kind === "binary") {
        const records = labels.map((label, n) =>
          Buffer.concat([Uint8Array.of(label), pixels.subarray(n * 3072, (n + 1) * 3072)]),
        );
        write(join(root, "cifar-10-batches-bin", `${stem}.bin`), Buffer.concat(records));
      } else {
        const fields = dict([bytes(Buffer.from("data")), array(pixels)], [text("labels"), list(...labels.map(int))]);
        write(join(root, "cifar-10-batches-py", stem), pickle(fields));
      }
    }
    return root;
  }

  it("of the python version is that of the binary one, wherever of it is named", async () => {
    const binary = cifar10("binary");
    const hash = await hashOf("cifar10", binary);
    const python = cifar10("python");
    expect(await hashOf("cifar10", python)).toBe(hash);
    expect(await hashOf("cifar10", join(binary, "cifar-10-batches-bin"))).toBe(hash);
    expect(await hashOf("cifar10", join(python, "cifar-10-batches-py"))).toBe(hash);
    const above = temporaryFolder();
    cpSync(binary, join(above, "data"), { recursive: true });
    expect(await hashOf("cifar10", above)).toBe(hash);
    renameSync(join(above, "data", "cifar-10-batches-bin"), join(above, "data", "CIFAR-10-batches-bin"));
    expect(await hashOf("cifar10", above)).toBe(hash);
  });

  it("refuses batches that are none, in a line that names the file", async () => {
    for (const [content, message] of [
      [pickle(list()), /test_batch: .*holds no dict/],
      [pickle(dict()), /test_batch: its 'data' is no array/],
      [pickle(dict([text("data"), array(pixelsOf(1, 2))])), /test_batch: its 'labels' are not 2 labels/],
      [pickle([...global("os", "system"), ...tuple(text("id")), ...P.reduce]), /test_batch: it names 'os\.system'/],
      [Buffer.from("\x80\x02junk"), /test_batch: /],
      [new Uint8Array(0), /test_batch: /],
    ] as [Uint8Array, RegExp][]) {
      const root = cifar10("python");
      write(join(root, "cifar-10-batches-py", "test_batch"), content);
      await expect(hashOf("cifar10", root)).rejects.toThrow(message);
    }
  });
});

describe("GTSRB", () => {
  const HEAD = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId";
  const picture = (label: number, n: number) => ppm(20, 20, label * 5 + n);
  const FRAMES = ["00000_00000", "00001_00000"];

  function benchmark(train: string, folder: string, labels: string): string {
    const root = temporaryFolder();
    for (let label = 0; label < 43; label++) {
      const name = String(label).padStart(5, "0");
      for (const [n, frame] of FRAMES.entries()) write(join(root, train, name, `${frame}.ppm`), picture(label, n));
      const rows = FRAMES.map((frame) => `${frame}.ppm;20;20;1;1;18;18;${label}`);
      write(join(root, train, name, `GT-${name}.csv`), [HEAD, ...rows, ""].join("\n"));
    }
    write(join(root, folder, "Final_Test/Images/00000.ppm"), picture(7, 2));
    write(join(root, labels), `${HEAD}\n00000.ppm;20;20;1;1;18;18;7\n`);
    return root;
  }

  function kaggle(): string {
    const root = temporaryFolder();
    const png = (bytes: Uint8Array) =>
      encodePng({ width: 20, height: 20, data: bytes.slice(-1200), channels: 3, depth: 8 });
    const head = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path";
    const rows: string[] = [];
    for (let label = 42; label >= 0; label--) {
      for (const [n, frame] of FRAMES.entries()) {
        const path = `Train/${label}/${String(label).padStart(5, "0")}_${frame}.png`;
        write(join(root, path), png(picture(label, n)));
        rows.push(`20,20,1,1,18,18,${label},${path}`);
      }
    }
    write(join(root, "Train.csv"), [head, ...rows, ""].join("\n"));
    write(join(root, "Test/00000.png"), png(picture(7, 2)));
    write(join(root, "Test.csv"), `${head}\n20,20,1,1,18,18,7,Test/00000.png\n`);
    return root;
  }

  it("is the same however it is laid out, wherever of it is named", async () => {
    const official = benchmark("GTSRB/Final_Training/Images", "GTSRB", "GTSRB/Final_Test/GT-final_test.csv");
    const hash = await hashOf("gtsrb", official);
    const torchvision = benchmark("gtsrb/GTSRB/Training", "gtsrb/GTSRB", "gtsrb/GT-final_test.csv");
    for (const dataDir of [
      join(official, "GTSRB"),
      torchvision,
      join(torchvision, "gtsrb"),
      join(torchvision, "gtsrb", "GTSRB"),
      benchmark("Final_Training/Images", "", "GT-final_test.csv"),
      kaggle(),
    ]) {
      expect(await hashOf("gtsrb", dataDir), dataDir).toBe(hash);
    }
  });

  it("without test labels says which archive holds them", async () => {
    const root = benchmark("GTSRB/Final_Training/Images", "GTSRB", "elsewhere.csv");
    await expect(hashOf("gtsrb", root)).rejects.toThrow(/GT-final_test\.csv.*GTSRB_Final_Test_GT\.zip/);
  });

  it("says what was looked for where", async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, "papers"));
    await expect(hashOf("gtsrb", root)).rejects.toThrow(
      /no .*GTSRB\/Final_Training\/Images: looked there, in its folders and around it, also for Final_Training\/Images, Train\.csv; run/,
    );
  });
});
