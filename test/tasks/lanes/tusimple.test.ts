import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "jpeg-js";
import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { FRAME } from "../../../src/tasks/lanes/lane.ts";
import { readFrames } from "../../../src/tasks/lanes/tusimple/frames.ts";
import { parseLabels, readLabelFile } from "../../../src/tasks/lanes/tusimple/label-file.ts";
import { loadTusimple, splitByClip, tusimpleCompleteness } from "../../../src/tasks/lanes/tusimple.ts";
import { temporaryFolder } from "../../store/temp.ts";
import { LACKS_REAL, REAL, realLabels } from "./real-labels.ts";

const SIZE = { height: 18, width: 50 };

const encoded = new Map<string, Buffer>();

function jpeg(width: number, height: number, grey: number): Buffer {
  const key = `${width}x${height}x${grey}`;
  const known = encoded.get(key);
  if (known) return Buffer.from(known);
  const data = Buffer.alloc(4 * width * height, grey);
  encoded.set(key, Buffer.from(encode({ width, height, data }, 80).data));
  return jpeg(width, height, grey);
}

const line = (picture: string, more: object = {}) =>
  JSON.stringify({
    raw_file: picture,
    h_samples: [300, 310, 320],
    lanes: [
      [600, 590, 580],
      [-2, 700, 710],
    ],
    ...more,
  });

let whole: string;
let decoded: string;
/** Three clips of one grey frame each that train, one that tests. */
beforeAll(() => {
  whole = temporaryFolder();
  decoded = temporaryFolder();
  const write = (folder: string, labels: string, pictures: [string, number][]) => {
    for (const [picture, grey] of pictures) {
      mkdirSync(join(whole, folder, picture, ".."), { recursive: true });
      writeFileSync(join(whole, folder, picture), jpeg(FRAME.width, FRAME.height, grey));
    }
    writeFileSync(join(whole, folder, labels), `${pictures.map(([picture]) => line(picture)).join("\n")}\n`);
  };
  write("train_set", "label_data_0313.json", [
    ["clips/0313-1/6040/20.jpg", 40],
    ["clips/0313-1/5320/20.jpg", 80],
  ]);
  write("train_set", "label_data_0601.json", [["clips/0601/14944/20.jpg", 120]]);
  write("test_set", "test_label.json", [["clips/0530/14925/20.jpg", 200]]);
});

/** A copy of the tree. */
function copy(): string {
  const to = join(temporaryFolder(), "TUSimple");
  cpSync(whole, to, { recursive: true });
  return to;
}

/** Decoding is slow: all share a cache but those that test it. */
const load = (dataDir: string, cache: string | null = decoded) => loadTusimple({ dataDir, seed: 1, size: SIZE, cache });

function fault(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as Error;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("no fault");
}

describe("TuSimple's official layout", () => {
  it("is read into three splits, each clip on one side", () => {
    const data = load(whole);
    expect([data.train.count, data.cleanVal.count, data.test.count]).toEqual([2, 1, 1]);
    expect(data.completeness).toBe("subset");
    expect(data.test.pixels).toEqual(new Uint8Array(3 * 18 * 50).fill(200));
    expect(data.test.labels).toEqual([
      {
        rows: [300, 310, 320],
        lanes: [
          [600, 590, 580],
          [-2, 700, 710],
        ],
      },
    ]);
    const greys = [data.train, data.cleanVal].flatMap(({ pixels, count }) =>
      Array.from({ length: count }, (_, i) => pixels[i * 2700]),
    );
    expect(greys.sort((a, b) => a - b)).toEqual([40, 80, 120]);
    expect(loadTusimple({ dataDir: whole, seed: 9, size: SIZE, cache: decoded }).dataHash).toBe(data.dataHash);
  });

  it("may lie one folder below, with the test labels beside the test set", () => {
    const tree = copy();
    const before = load(tree).dataHash;
    renameSync(join(tree, "test_set", "test_label.json"), join(tree, "test_label.json"));
    expect(load(join(tree, "..")).dataHash).toBe(before);
  });

  it("decodes no picture twice, and makes damaged entries of the cache again", () => {
    const cache = join(temporaryFolder(), "frames");
    const first = load(whole, cache).dataHash;
    const files = readdirSync(cache, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".u8"));
    expect(files).toHaveLength(4);
    const path = join(cache, files[0]);
    const bytes = readFileSync(path);
    bytes[5] ^= 1;
    writeFileSync(path, bytes);
    expect(load(whole, cache).dataHash).toBe(first);
    expect(readFileSync(path)[5]).toBe(bytes[5] ^ 1);
  });

  it("says what is missing", () => {
    expect(fault(() => load(temporaryFolder()))).toMatch(/holds no TuSimple; it has train_set\/label_data_0313.json/);
    const tree = copy();
    cpSync(tree, join(tree, "..", "twin"), { recursive: true });
    expect(fault(() => load(join(tree, "..")))).toMatch(/two folders hold TuSimple/);
    rmSync(join(tree, "test_set", "test_label.json"));
    expect(fault(() => load(tree))).toMatch(/has no test_label.json.*test_set/);
  });

  it("names label file, line and picture at fault", () => {
    const tree = copy();
    const picture = join(tree, "train_set", "clips/0313-1/5320/20.jpg");
    const at = /label_data_0313.json:2: .*5320\/20.jpg/;
    rmSync(picture);
    expect(fault(() => load(tree))).toMatch(new RegExp(`${at.source}: it does not exist`));
    writeFileSync(picture, jpeg(640, 360, 5));
    expect(fault(() => load(tree))).toMatch(new RegExp(`${at.source}: is 640×360, not 1280×720`));
    writeFileSync(picture, jpeg(1280, 720, 5).subarray(0, 700));
    expect(fault(() => load(tree))).toMatch(at);
    writeFileSync(picture, "<html>");
    expect(fault(() => load(tree))).toMatch(new RegExp(`${at.source}: is a web page`));
    // A picture that declares 65,535 × 65,535 pixels is refused before anything is decoded.
    const bomb = jpeg(1280, 720, 5);
    const frame = bomb.indexOf(Buffer.from([0xff, 0xc0]));
    bomb.fill(0xff, frame + 5, frame + 9);
    writeFileSync(picture, bomb);
    expect(fault(() => load(tree))).toMatch(/is 65535×65535, not 1280×720/);
  });

  it("holds out whole clips, 5 % of them", () => {
    const labels = Array.from({ length: 200 }, (_, i) => ({ picture: `clips/0601/${i >> 1}/${i & 1}.jpg` }));
    const { train, cleanVal } = splitByClip(labels, 3);
    expect([train.length, cleanVal.length]).toEqual([190, 10]);
    expect(cleanVal.every((i) => cleanVal.includes(i ^ 1))).toBe(true);
    expect(splitByClip(labels, 3)).toEqual({ train, cleanVal });
    expect(fault(() => splitByClip(labels.slice(0, 2), 3))).toMatch(/single clip/);
  });
});

describe("a label file", () => {
  it.each([
    ["", /F: is empty/],
    ["[1]", /F:1: is no JSON object/],
    ["null", /F:1: is no JSON object/],
    ["{", /F:1: is no JSON; /],
    ["[".repeat(60_000), /F:1: is no JSON; /],
    [`"${"x".repeat(70_000)}"`, /F:1: is longer than 65536/],
    ['{"h_samples": [1, 2], "lanes": []}', /lacks raw_file/],
    [line("../../etc/passwd"), /raw_file '..\/..\/etc\/passwd' is no path/],
    [line("/etc/passwd"), /is no path/],
    [line("C:\\x.jpg"), /is no path/],
    [line("clips/\u001b[2J.jpg"), /'clips\/\\x1b\[2J.jpg' is no path/],
    [line("a.jpg", { h_samples: "no" }), /lacks h_samples/],
    [line("a.jpg", { h_samples: [300, 320, 310] }), /ascending rows/],
    [line("a.jpg", { h_samples: [300, 310, 330] }), /equal steps/],
    [line("a.jpg", { h_samples: [700, 710, 720] }), /0 to 719/],
    [line("a.jpg", { lanes: null }), /lacks lanes/],
    [line("a.jpg", { lanes: [7] }), /lane 1 is no list/],
    [line("a.jpg", { lanes: Array(6).fill([1, 2, 3]) }), /has 6 lanes; a frame has at most 5/],
    [
      line("a.jpg", {
        lanes: [
          [1, 2, 3],
          [1, 2],
        ],
      }),
      /lane 2 has 2 values, and h_samples have 3/,
    ],
    [line("a.jpg", { lanes: [[1, 1280, 3]] }), /lane 1 has x = 1280 at row 310/],
    [line("a.jpg", { lanes: [[1, -3, 3]] }), /x = -3 at row 310/],
    [line("a.jpg", { lanes: [[1, "2", 3]] }), /x = "2" at row 310/],
    [line("a.jpg").replace("590", "1e999"), /lane 1 has x = null at row 310/],
    [`${line("a.jpg")}\n\n${line("b.jpg")}`, /F:2: is no JSON/],
    [`${line("a.jpg")}\n${line("a.jpg")}`, /F:2: a.jpg is labelled in line 1 already/],
  ])("with %.60s is refused", (text, expected) => {
    expect(fault(() => parseLabels(Buffer.from(text), "F"))).toMatch(expected);
  });

  it("may have line ends of Windows, and frames without lanes", () => {
    const text = `${line("a.jpg")}\r\n${line("b.jpg", { lanes: [] })}\r\n`;
    expect(
      parseLabels(Buffer.from(text), "F").map(({ picture, place, lanes }) => [picture, place, lanes.length]),
    ).toEqual([
      ["a.jpg", "F:1", 2],
      ["b.jpg", "F:2", 0],
    ]);
  });
});

describe.skipIf(LACKS_REAL)("TuSimple's real files", () => {
  it.each([
    ["label_data_0313.json", 2858, 240],
    ["label_data_0531.json", 358, 160],
    ["label_data_0601.json", 410, 160],
    ["test_label.json", 2782, 160],
  ])("%s has all its lines", (name, count, firstRow) => {
    const labels = realLabels(name);
    expect(labels).toHaveLength(count);
    expect([...new Set(labels.map(({ rows }) => `${rows[0]}-${rows.at(-1)}`))]).toEqual([`${firstRow}-710`]);
  });

  it("are official by their lines and the test file's MD5", () => {
    const bytes = readFileSync(join(REAL, "tusimple-labels", "test_label.json"));
    const frames = { "label_data_0313.json": 2858, "label_data_0601.json": 410, test: 2782 };
    expect(tusimpleCompleteness(frames, bytes)).toBe("official");
    expect(tusimpleCompleteness({ ...frames, "label_data_0601.json": undefined }, bytes)).toBe("subset");
    expect(tusimpleCompleteness(frames, bytes.subarray(1))).toBe("subset");
  });

  it("six frames are decoded at a network's size", () => {
    const folder = join(REAL, "tusimple-mini");
    const labels = readLabelFile(join(folder, "label_data_0601.json"));
    const set = readFrames(labels, folder, { height: 72, width: 200 }, null);
    expect([set.count, set.pixels.length]).toEqual([6, 6 * 43_200]);
    const mean = set.pixels.reduce((sum, value) => sum + value, 0) / set.pixels.length;
    expect(mean).toBeGreaterThan(60);
    expect(mean).toBeLessThan(200);
  });
});
