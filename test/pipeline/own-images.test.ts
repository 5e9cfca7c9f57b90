import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import { encode as encodeJpeg } from "jpeg-js";
import { describe, expect, it } from "vitest";
import type { ImageSet } from "../../src/images/image-set.ts";
import { openOwnImages } from "../../src/pipeline/own/images.ts";
import { findNormalization } from "../../src/pipeline/own/normalization.ts";
import { encodeNpy } from "../../src/tensor/npy.ts";
import { zipOf } from "../datasets/archives.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;
const CLASSES = 3;
const network = { classes: CLASSES, input: { channels: 3, height: SIDE, width: SIDE } };
const COLOURS = [
  [250, 10, 20],
  [30, 240, 40],
  [50, 60, 230],
];

function written(files: Record<string, Uint8Array>): string {
  const dir = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  return dir;
}

const open = (data: string, more: object = {}) => openOwnImages({ data, dataDir: "", network, seed: 1, ...more });
const interleaved = (label: number, side: number) =>
  Uint8Array.from({ length: 3 * side * side }, (_, i) => COLOURS[label][i % 3]);
const png = (label: number, side = SIDE) =>
  encodePng({ width: side, height: side, data: interleaved(label, side), channels: 3 });
const jpeg = (label: number, side = SIDE) => {
  const data = Uint8Array.from({ length: 4 * side * side }, (_, i) => [...COLOURS[label], 255][i % 4]);
  return encodeJpeg({ width: side, height: side, data }, 100).data;
};

/** The colour of each image's first and last pixel. */
function coloursOf({ count, pixels }: ImageSet): number[][] {
  return Array.from({ length: count }, (_, i) =>
    [0, 1, 2].flatMap((c) => [pixels[(3 * i + c) * PLANE], pixels[(3 * i + c + 1) * PLANE - 1]]),
  );
}
const solid = (label: number) => COLOURS[label].flatMap((value) => [value, value]);

/** As many images as a set must have, the classes in turn, as `(N, 3, H, W)`. */
const COUNT = 18;
const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % CLASSES);
const stacked = (side = SIDE) =>
  Uint8Array.from({ length: COUNT * 3 * side * side }, (_, i) => {
    const image = Math.floor(i / (3 * side * side));
    return COLOURS[image % CLASSES][Math.floor(i / (side * side)) % 3];
  });

/** A `.npy` of little-endian 32-bit floats. */
function floatsNpy(values: Float32Array, shape: number[]): Uint8Array {
  const bytes = encodeNpy(new Uint8Array(values.buffer), [values.byteLength]);
  const header = Buffer.from(bytes).toString("latin1", 0, bytes.length - values.byteLength);
  const named = header.replace(/'\|u1'/, "'<f4'").replace(/\(\d+,\)/, `(${shape.join(", ")})`);
  const padded = `${named.trimEnd()}`.padEnd(header.length - 1).slice(0, header.length - 1);
  return Buffer.concat([Buffer.from(`${padded}\n`, "latin1"), Buffer.from(values.buffer)]);
}

describe("a folder of class folders", () => {
  it("is read as ImageFolder reads it, PNG and JPEG, resized, whatever else lies in it", async () => {
    const dir = written({
      "bee/1.png": png(1),
      "ant/b.JPG": jpeg(0, 48),
      "ant/a.png": png(0, 20),
      "cat/x.jpeg": jpeg(2),
      "cat/notes.txt": Buffer.from("no picture"),
      ".hidden/y.png": png(0),
      "list.csv": Buffer.from("a,b"),
    });
    // Too few for criteria, so they are read as they are here.
    const { clean, test, classes, notes } = await open(dir);
    expect(test).toBe(clean);
    expect([...clean.labels]).toEqual([0, 0, 1, 2]);
    expect(classes).toEqual(["ant", "bee", "cat"]);
    expect(notes).toEqual(["2 of 4 pictures were resized to 32×32"]);
    for (const [i, colours] of coloursOf(clean).entries()) {
      const wanted = solid(clean.labels[i]);
      for (const [k, value] of colours.entries()) expect(Math.abs(value - wanted[k]), `${i} ${k}`).toBeLessThan(4);
    }
  });

  it("named by numbers has these classes, in their order as numbers", async () => {
    const { clean, classes } = await open(written({ "0/a.png": png(0), "2/a.png": png(2), "01/a.png": png(1) }));
    expect([[...clean.labels].sort(), classes]).toEqual([[0, 1, 2], null]);
    for (const [i, colours] of coloursOf(clean).entries()) expect(colours).toEqual(solid(clean.labels[i]));
  });

  it("reads greys, opacity and 16 bits", async () => {
    const grey = encodePng({ width: 32, height: 32, data: new Uint8Array(PLANE).fill(77), channels: 1 });
    const deep = encodePng({
      width: 32,
      height: 32,
      data: new Uint16Array(3 * PLANE).fill(77 * 256 + 9),
      channels: 3,
      depth: 16,
    });
    const alpha = encodePng({ width: 32, height: 32, data: new Uint8Array(4 * PLANE).fill(77), channels: 4 });
    const { clean } = await open(written({ "0/a.png": grey, "1/a.png": deep, "2/a.png": alpha }));
    expect(new Set(clean.pixels)).toEqual(new Set([77]));
  });
});

describe("arrays", () => {
  const array = (pixels: Uint8Array, shape: number[]) => encodeNpy(pixels, shape);
  const first = array(stacked(), [COUNT, 3, SIDE, SIDE]);
  const whole = encodeNpy(BigInt64Array.from(labels, BigInt), [COUNT]);
  const last = array(
    Uint8Array.from({ length: stacked().length }, (_, i) => COLOURS[Math.floor(i / (3 * PLANE)) % CLASSES][i % 3]),
    [COUNT, SIDE, SIDE, 3],
  );
  const stored = (name: string, data: Uint8Array) => ({ path: name, data: Buffer.from(data) });
  const deflated = (name: string, data: Uint8Array) => ({ ...stored(name, data), deflated: true });
  const floats = floatsNpy(
    Float32Array.from(stacked(), (x) => x / 255),
    [COUNT, 3, SIDE, SIDE],
  );

  it.each([
    ["x.npz", { "x.npz": zipOf([stored("images.npy", first), stored("labels.npy", whole)]) }],
    ["x.npz", { "x.npz": zipOf([deflated("arr_0.npy", last), deflated("arr_1.npy", whole)]) }],
    ["x.npy", { "x.npy": last, "x_labels.npy": whole }],
    ["test_images.npy", { "test_images.npy": first, "labels.npy": encodeNpy(labels, [COUNT]) }],
    ["x.npy", { "x.npy": floats, "labels.npy": whole }],
    [".", { "defender_clean.npy": first, "defender_labels.npy": whole }],
  ])("%s are read in either layout, compressed or not, with their labels", async (name, files) => {
    const { clean, test } = await open(join(written(files), name));
    expect([...clean.labels]).toEqual([...labels]);
    expect(coloursOf(clean)).toEqual([...labels].map(solid));
    expect(test).toBe(clean);
  });

  it("hold a fifth back for the accuracy where it is asked for, or take other images", async () => {
    const dir = written({ "x.npy": first, "x_labels.npy": whole });
    const held = await open(join(dir, "x.npy"), { holdOut: true });
    expect([held.clean.count, held.test.count]).toEqual([14, 4]);
    const again = await open(join(dir, "x.npy"), { holdOut: true });
    // Inspect holds nothing back, and takes the same mean and std.
    const shared = await open(join(dir, "x.npy"));
    const found = [held, shared].map(({ all }) =>
      findNormalization({ known: null, file: join(dir, "x.pt"), images: all }),
    );
    expect(found[0]).toEqual(found[1]);
    expect(found[0].source).toBe("computed from all 18 images");
    expect(again).toEqual(held);
    const other = written({ "0/a.png": png(0), "1/a.png": png(1) });
    const both = await open(join(dir, "x.npy"), { holdOut: true, test: other });
    expect([both.clean.count, both.test.count]).toEqual([18, 2]);
  });

  it("of a known data set's folder, itself or its parent, are that data set's", async () => {
    const dir = writeTinyData(temporaryFolder());
    const ten = { ...network, classes: 10 };
    const parent = await open(dir, { network: ten });
    expect(parent).toMatchObject({ title: "CIFAR-10, 10 classes", test: { count: 60 } });
    expect(await open(join(dir, "cifar-10-batches-bin"), { network: ten })).toEqual(parent);
    expect(await open("cifar10", { dataDir: dir, network: ten })).toEqual(parent);
  });

  const bomb = Buffer.from(png(0));
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  const zeros = deflateRawSync(Buffer.alloc(1000));
  it.each<[string, string, Record<string, Uint8Array>, RegExp]>([
    ["nothing", "none", {}, /no such file or folder, and no known data set \(signs, cifar10/],
    ["an empty folder", ".", {}, /holds no class folders/],
    ["empty class folders", ".", { "a/x.txt": zeros, "b/x.txt": zeros, "c/x.txt": zeros }, /hold no PNG, JPEG or PPM/],
    [
      "a folder of folders",
      ".",
      { "x/a/1.png": png(0), "y/b/1.png": png(1), "z/c/1.png": png(1) },
      /hold no PNG, JPEG or PPM/,
    ],
    ["another number of classes", ".", { "a/1.png": png(0), "b/1.png": png(1) }, /2 class folders \(a, b\).*3 classes/],
    ["a class too high", ".", { "0/1.png": png(0), "7/1.png": png(1) }, /class folder '7'.*0 to 2/],
    ["a cut PNG", ".", { "0/1.png": png(0).subarray(0, 60) }, /1\.png: cannot be decoded/],
    ["a picture that is none", ".", { "0/1.png": zeros }, /1\.png: is neither PNG, JPEG nor PPM/],
    ["a picture without end", ".", { "0/1.png": bomb }, /1\.png: is too large/],
    ["a cut JPEG", ".", { "0/1.jpg": jpeg(0).subarray(0, 100) }, /1\.jpg: cannot be decoded/],
    ["images without labels", "x.npy", { "x.npy": first }, /no labels beside it; save them as .*x_labels\.npy/],
    [
      "labels that are too few",
      "x.npy",
      { "x.npy": first, "labels.npy": encodeNpy(labels.subarray(1), [COUNT - 1]) },
      /shape \(17\) for 18 images/,
    ],
    [
      "a label out of range",
      "x.npy",
      {
        "x.npy": first,
        "labels.npy": encodeNpy(
          labels.map((n) => n + 1),
          [COUNT],
        ),
      },
      /label 2 is 3.*0 to 2/,
    ],
    [
      "one channel",
      "x.npy",
      { "x.npy": array(stacked(), [3 * COUNT, 1, SIDE, SIDE]), "labels.npy": whole },
      /\(54, 1, 32, 32\); give RGB images/,
    ],
    [
      "normalised floats",
      "x.npy",
      {
        "x.npy": floatsNpy(
          Float32Array.from(stacked(), (x) => x / 128 - 1),
          [COUNT, 3, SIDE, SIDE],
        ),
        "labels.npy": whole,
      },
      /<f4 from -0\.9.*uint8, not normalised/,
    ],
    [
      "several arrays of images",
      "x.npz",
      { "x.npz": zipOf([stored("a.npy", first), stored("b.npy", last), stored("y.npy", whole)]) },
      /holds a \(18, 3, 32, 32\), b .*give one array/,
    ],
    [
      "a .npz that unpacks to far more than its size",
      "x.npz",
      { "x.npz": zipOf([deflated("x.npy", Buffer.alloc(17 << 20))]) },
      /'x' unpacks to more than 200 times its size/,
    ],
    ["a damaged .npz", "x.npz", { "x.npz": Buffer.from(first) }, /is no \.npz that can be read/],
    ["another file", "x.txt", { "x.txt": zeros }, /give a folder of class folders, a \.npy or \.npz/],
  ])("that are %s are refused in one line", async (_, name, files, message) => {
    const failed = await open(join(written(files), name)).then(
      () => "nothing was thrown",
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect(failed).toMatch(/^InputError: [^\n]+$/);
    expect(failed).toMatch(message);
  });
});
