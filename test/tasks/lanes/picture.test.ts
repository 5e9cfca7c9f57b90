import { decode } from "fast-png";
import { expect, it } from "vitest";
import { lanePicture, PREDICTED_LANES, TRUE_LANES } from "../../../src/tasks/lanes/picture.ts";

it("draws lanes where they are, over an enlarged frame", () => {
  const frame = { pixels: new Uint8Array(2 * 3 * 72 * 200).fill(50, 43_200), height: 72, width: 200, at: 43_200 };
  const rows = [160, 400, 640, 700];
  const png = decode(
    lanePicture(
      frame,
      rows,
      [
        { lanes: [[320, 320, 320, -2]], colour: TRUE_LANES },
        { lanes: [[-2, 800, 960, 1000]], colour: PREDICTED_LANES },
      ],
      360,
    ),
  );
  expect([png.width, png.height, png.channels]).toEqual([640, 360, 3]);
  const at = (x: number, y: number) => [...png.data.slice(3 * (y * 640 + x), 3 * (y * 640 + x) + 3)];
  expect(at(160, 200)).toEqual([...TRUE_LANES]);
  expect(at(440, 260)).toEqual([...PREDICTED_LANES]);
  for (const [x, y] of [
    [160, 60],
    [160, 340],
    [300, 200],
    [400, 180],
    [0, 0],
  ])
    expect(at(x, y)).toEqual([50, 50, 50]);
});
