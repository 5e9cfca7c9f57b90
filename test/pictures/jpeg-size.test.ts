import { encode } from "jpeg-js";
import { expect, it } from "vitest";
import { jpegSize } from "../../src/pictures/jpeg-size.ts";

const picture = Buffer.from(encode({ width: 40, height: 24, data: Buffer.alloc(4 * 40 * 24, 90) }, 80).data);

it("reads the size of a JPEG's header, and of nothing else", () => {
  expect(jpegSize(picture)).toEqual({ width: 40, height: 24 });
  // Segments and fill bytes before the frame are passed over.
  const comment = Buffer.from([0xff, 0xfe, 0, 4, 0xff, 0xc0, 0xff, 0xff]);
  const padded = Buffer.concat([picture.subarray(0, 2), comment, picture.subarray(2)]);
  expect(jpegSize(padded)).toEqual({ width: 40, height: 24 });
  for (const bytes of [Buffer.alloc(0), Buffer.from("GIF89a, no JPEG"), picture.subarray(0, 30), picture.subarray(2)])
    expect(jpegSize(bytes)).toBeNull();
});

it("ends on every cut and changed file", () => {
  for (let length = 0; length < picture.length; length++) jpegSize(picture.subarray(0, length));
  for (let i = 2; i < Math.min(picture.length, 700); i++) {
    const changed = Buffer.from(picture);
    changed[i] = 0;
    jpegSize(changed);
  }
});
