import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { parsePpm } from "../../src/pictures/ppm.ts";
import { ppm } from "../datasets/pictures.ts";

const text = (header: string, pixels = 0) => Buffer.concat([Buffer.from(header, "latin1"), Buffer.alloc(pixels)]);

describe("parsePpm", () => {
  it("reads what was written, blanks and comments in the header included", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(" ", "\n", "\r\n", "\t ", " # from a camera\n"),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        (width, height, blank, bytes) => {
          const pixels = Buffer.from([...bytes.take(3 * width * height)]);
          const header = Buffer.from(`P6${blank}${width}${blank}${height}${blank}255\n`);
          const picture = parsePpm(Buffer.concat([header, pixels]), "a.ppm");
          expect([picture.width, picture.height]).toEqual([width, height]);
          expect(Buffer.from(picture.rgb).equals(pixels)).toBe(true);
        },
      ),
    );
  });

  it.each([
    ["another format", text("P5 2 2 255\n", 12), /a\.ppm: no PPM picture/],
    ["no file at all", text(""), /no PPM picture/],
    ["no width", text("P6 "), /no width/],
    ["a word for a width", text("P6 wide 2 255\n", 12), /no width/],
    ["a negative height", text("P6 2 -2 255\n", 12), /no height/],
    ["no blank after P6", text("P62 2 255\n", 12), /no blank before the width/],
    ["zero width", text("P6 0 2 255\n"), /width 0/],
    ["an absurd width", text("P6 5000 2 255\n", 12), /width 5000/],
    ["an endless height", text(`P6 2 ${"9".repeat(300)} 255\n`, 12), /height 9999999/],
    ["16 bits", text("P6 2 2 65535\n", 24), /maximum value 65535/],
    ["a comment without end", text("P6 2 2 # 255", 12), /no maximum value/],
    ["no pixels", text("P6 2 2 255"), /no blank/],
    ["a pixel too few", text("P6 2 2 255\n", 9), /truncated: 9 of 12/],
    ["a byte too many", text("P6 2 2 255\n", 13), /1 bytes too many/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => parsePpm(bytes, "a.ppm")).toThrow(InputError);
    expect(() => parsePpm(bytes, "a.ppm")).toThrow(message);
  });

  const survives = (bytes: Uint8Array) => {
    try {
      const { width, height, rgb } = parsePpm(bytes, "a.ppm");
      expect(rgb.length).toBe(3 * width * height);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  };

  it("meets random bytes with nothing but an InputError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 500 });
    const header = fc.stringMatching(/^P6[ \n#0-9]{0,20}$/);
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 60 }), (start, rest) =>
        survives(Buffer.concat([Buffer.from(start), rest])),
      ),
      { numRuns: 500 },
    );
  });

  it("meets a damaged picture with nothing but an InputError", () => {
    const whole = ppm(6, 5);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(whole.length), (at, byte, end) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        survives(damaged.subarray(0, end));
      }),
      { numRuns: 500 },
    );
  });
});
