import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import { encode as encodeJpeg } from "jpeg-js";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { decodePicture } from "../../src/pictures/picture-file.ts";
import { readClassFolders } from "../../src/tasks/classification/datasets/files/class-folders.ts";
import { pattern } from "../datasets/pictures.ts";
import { temporaryFolder } from "../store/temp.ts";

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

interface Form {
  depth?: number;
  colour?: number;
  isInterlaced?: boolean;
  /** Chunks before the pixels. */
  more?: Buffer[];
}

/** A PNG of lines as they are before they are compressed, the filter's byte of each included. */
function png(width: number, height: number, raw: Uint8Array, form: Form = {}): Buffer {
  const { depth = 8, colour = 2, isInterlaced = false, more = [] } = form;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, Number(isInterlaced)], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  const chunks = [chunk("IHDR", header), ...more, chunk("IDAT", deflateSync(raw)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

const { width, height, rgb } = pattern(6, 5);
const lines = Buffer.concat(
  Array.from({ length: height }, (_, y) => Buffer.from([0, ...rgb.subarray(y * width * 3, (y + 1) * width * 3)])),
);
/** What unpacks to a thousand times its size. */
const bomb = new Uint8Array(4 << 20);
const faultOf = (bytes: Uint8Array): string => {
  try {
    decodePicture(bytes, "x");
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  return "none";
};

describe("a PNG", () => {
  it("gives its pixels, whatever else it holds", () => {
    expect(decodePicture(encodePng({ width, height, data: rgb, channels: 3 }), "x").rgb).toEqual(rgb);
    const profile = Buffer.concat([Buffer.from("k\0\0", "latin1"), deflateSync(bomb)]);
    const more = [chunk("iCCP", profile), chunk("zTXt", profile), chunk("acTL", Buffer.alloc(8))];
    expect(decodePicture(png(width, height, lines, { more }), "x").rgb).toEqual(rgb);
  });

  it.each([1, 2, 4])("of greys of %s bits gives each of them", (depth) => {
    const levels = 2 ** depth;
    // Eleven pixels do not fill the line's last byte.
    const greys = Array.from({ length: 22 }, (_, i) => (7 * i + 1) % levels);
    const raw = [greys.slice(0, 11), greys.slice(11)].flatMap((line) => {
      const bits = line.map((grey) => grey.toString(2).padStart(depth, "0")).join("");
      const bytes = bits.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
      return [0, ...bytes];
    });
    const picture = decodePicture(png(11, 2, Uint8Array.from(raw), { depth, colour: 0 }), "x");
    const expected = greys.flatMap((grey) => Array(3).fill((grey * 255) / (levels - 1)));
    expect([...picture.rgb]).toEqual(expected);
    expect(faultOf(png(11, 2, Uint8Array.from(raw), { depth, colour: 0, isInterlaced: true }))).toMatch(
      /without interlacing/,
    );
  });

  it("of a palette gives its colours", () => {
    const more = [chunk("PLTE", Uint8Array.of(1, 2, 3, 200, 100, 50))];
    const raw = Uint8Array.of(0, 0b01000000);
    expect([...decodePicture(png(2, 1, raw, { depth: 1, colour: 3, more }), "x").rgb]).toEqual([1, 2, 3, 200, 100, 50]);
    expect(faultOf(png(2, 1, raw, { depth: 1, colour: 3 }))).toMatch(/lacks the palette/);
  });

  it.each<[string, Buffer, RegExp]>([
    ["unpacks to more than its pixels", png(width, height, bomb), /^x: unpacks to more than the pixels of its size$/],
    ["states a huge size", png(50_000, 50_000, lines), /^x: is too large \(2500000000 pixels\)$/],
    ["has no pixels", png(0, 5, new Uint8Array(5)), /^x: is a picture of 0×5: it has no pixels$/],
    ["lacks pixels", png(width, height + 1, lines), /^x: is cut short: pixels are missing$/],
    ["is cut", png(width, height, lines).subarray(0, 60), /^x: cannot be decoded, it is damaged or cut short$/],
    ["is cut in its header", png(width, height, lines).subarray(0, 20), /^x: is damaged: a PNG begins with its size$/],
    ["has an unknown colour type", png(width, height, lines, { colour: 5 }), /^x: is damaged: colour type 5 of 8 bits/],
  ])("that %s is refused", (_, bytes, message) => expect(faultOf(bytes)).toMatch(message));
});

describe("a JPEG", () => {
  const rgba = Buffer.from(Array.from({ length: 64 * 4 }, (_, i) => (i % 4 === 3 ? 255 : i)));
  const jpeg = encodeJpeg({ width: 8, height: 8, data: rgba }, 95).data;

  it("is decoded", () => expect(decodePicture(jpeg, "x")).toMatchObject({ width: 8, height: 8 }));

  it("of countless scans is refused before they are decoded", () => {
    const at = jpeg.indexOf(Buffer.of(0xff, 0xda));
    const scan = jpeg.subarray(at, -2);
    const many = Buffer.concat([jpeg.subarray(0, at), ...Array<Buffer>(1000).fill(scan), jpeg.subarray(-2)]);
    expect(faultOf(many)).toBe("x: has 1000 scans, more than the 64 that are read");
  });

  it("without pixels or cut short is refused, in no words of JavaScript", () => {
    const at = jpeg.indexOf(Buffer.of(0xff, 0xc0));
    const empty = Buffer.from(jpeg.subarray(0, at + 19));
    empty.fill(0, at + 5, at + 9);
    expect(faultOf(Buffer.concat([empty, Buffer.of(0xff, 0xd9)]))).toBe("x: is a picture of 0×0: it has no pixels");
    for (let length = 2; length < jpeg.length - 2; length += 7) {
      expect(faultOf(jpeg.subarray(0, length))).toMatch(
        /^x: (cannot be decoded|is a picture)(?!.*(undefined|null|NaN))/,
      );
    }
  });
});

describe.skipIf(process.platform === "win32")("a folder of class folders", () => {
  it.each([
    ["leads nowhere", "nowhere", /does not exist$/],
    ["leads to itself", "2", /its links lead round in a ring$/],
  ])("with a link that %s is refused in one line", (_, target, message) => {
    const dir = temporaryFolder();
    for (const label of ["0", "1"]) {
      mkdirSync(join(dir, label));
      writeFileSync(join(dir, label, "a.png"), png(width, height, lines));
    }
    expect(readClassFolders(dir, 8, 3).set.count).toBe(2);
    symlinkSync("a.png", join(dir, "1", "b.png"));
    expect(readClassFolders(dir, 8, 3).set.count).toBe(3);
    symlinkSync(target, join(dir, "2"));
    expect(() => readClassFolders(dir, 8, 3)).toThrow(message);
    expect(() => readClassFolders(dir, 8, 3)).toThrow(InputError);
  });
});
