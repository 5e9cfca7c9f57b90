import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { augmentFrame } from "../../../src/tasks/lanes/augment.ts";
import { intoSlots } from "../../../src/tasks/lanes/slots.ts";
import { HEIGHT, SET, WIDTH } from "./frames.ts";

/** Of the frame: pixels of a 1280 wide picture that a pixel is wide. */
const PIXEL = 1280 / WIDTH;
const STILL = { flip: false, cropPadding: 0 };

/** Draws until one is mirrored or shifted as wanted. */
function drawn(options: { flip: boolean; cropPadding: number }, isWanted: (first: number, last: number) => boolean) {
  const out = new Uint8Array(3 * HEIGHT * WIDTH);
  const random = new Random(1);
  for (;;) {
    const labels = augmentFrame(SET, 0, options, random, out);
    if (isWanted(out[0], out[WIDTH - 1])) return { out, labels };
  }
}

describe("augmentation of frames", () => {
  it("leaves a frame as it is where nothing is to change", () => {
    const { out, labels } = drawn(STILL, () => true);
    expect(out).toEqual(SET.pixels.subarray(0, out.length));
    expect(labels).toEqual(SET.labels[0]);
  });

  it("mirrors pixels, lanes and with them their slots", () => {
    const { out, labels } = drawn({ flip: true, cropPadding: 0 }, (first) => first === WIDTH - 1);
    expect([...out.subarray(0, WIDTH)]).toEqual(Array.from({ length: WIDTH }, (_, x) => WIDTH - 1 - x));
    expect(labels.lanes).toEqual([
      [-2, 779, 979],
      [379, 179, 9],
    ]);
    const [before, after] = [SET.labels[0], labels].map((of) => intoSlots(of).map((lane) => lane !== null));
    expect([before, after]).toEqual([
      [false, true, true, false],
      [false, true, true, false],
    ]);
  });

  it("moves a frame sideways with its lanes; its edge is repeated, and what leaves it is absent", () => {
    const right = drawn({ flip: false, cropPadding: 3 }, (first, last) => first === 0 && last === WIDTH - 3);
    expect([...right.out.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
    expect(right.labels.lanes).toEqual([
      [-2, 500 + 2 * PIXEL, 300 + 2 * PIXEL],
      [900 + 2 * PIXEL, 1100 + 2 * PIXEL, -2],
    ]);
    const left = drawn({ flip: false, cropPadding: 3 }, (first) => first === 3);
    expect([...left.out.subarray(WIDTH - 5, WIDTH)]).toEqual([38, 39, 39, 39, 39]);
    expect(left.labels.lanes[1]).toEqual([900 - 3 * PIXEL, 1100 - 3 * PIXEL, 1270 - 3 * PIXEL]);
  });
});
