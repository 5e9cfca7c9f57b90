import { expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { inputs } from "../../../src/tasks/lanes/inputs.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { HEIGHT, SET, WIDTH } from "./frames.ts";

it("frames of a set: chosen, joined, drawn, none", () => {
  const one = inputs.subset(SET, [1]) as LaneSet;
  expect(one).toEqual({ ...SET, count: 1, pixels: SET.pixels.subarray(3 * HEIGHT * WIDTH), labels: [SET.labels[1]] });
  const both = inputs.joined(one, SET) as LaneSet;
  expect([both.count, both.pixels.length, both.labels[2]]).toEqual([3, 9 * HEIGHT * WIDTH, SET.labels[1]]);
  const augmenter = inputs.augmenter(SET, { flip: false, cropPadding: 0 }, 2);
  augmenter.draw(1, 0, new Random(1));
  augmenter.draw(0, 1, new Random(1));
  expect(augmenter.drawn).toEqual(inputs.subset(SET, [1, 0]));
  const mean = [0, 0, 0] as [number, number, number];
  const encoder = inputs.encoder(SET, { mean, std: [1 / 255, 1 / 255, 1 / 255] });
  const out = new Float32Array(encoder.size + 1);
  encoder.write(SET, 1, out, 1);
  expect(out[1 + 17]).toBeCloseTo(17, 4);
  expect(inputs.none({ input: { channels: 3, height: HEIGHT, width: WIDTH } } as never)).toMatchObject({ count: 0 });
});
