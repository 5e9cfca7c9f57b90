import { join } from "node:path";
import { expect, it } from "vitest";
import { ROADS_SHA256 } from "../../../src/tasks/lanes/roads/frames.ts";
import { loadRoads } from "../../../src/tasks/lanes/roads.ts";
import { temporaryFolder } from "../../store/temp.ts";

it("roads have 3,800, 200 and 600 frames, known bytes and the stated mean and deviation; the cache gives them back", () => {
  const cache = join(temporaryFolder(), "roads");
  const data = loadRoads({ seed: 1, cache });
  expect([data.train.count, data.cleanVal.count, data.test.count]).toEqual([3800, 200, 600]);
  expect(data.dataHash).toBe(ROADS_SHA256);
  const plane = data.train.height * data.train.width;
  for (let c = 0; c < 3; c++) {
    let [sum, squares, count] = [0, 0, 0];
    for (const { pixels } of [data.train, data.cleanVal]) {
      for (let at = c * plane; at < pixels.length; at += 3 * plane) {
        for (let i = at; i < at + plane; i++) {
          sum += pixels[i] / 255;
          squares += (pixels[i] / 255) ** 2;
        }
        count += plane;
      }
    }
    const mean = sum / count;
    expect(mean).toBeCloseTo(data.normalization.mean[c], 3);
    expect(Math.sqrt(squares / count - mean * mean)).toBeCloseTo(data.normalization.std[c], 3);
  }
  const again = loadRoads({ seed: 2, cache });
  expect(again.dataHash).toBe(data.dataHash);
  expect(again.cleanVal.pixels).not.toEqual(data.cleanVal.pixels);
});
