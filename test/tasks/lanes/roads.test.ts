import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../src/core/hash.ts";
import { createCanvas } from "../../../src/tasks/lanes/roads/canvas.ts";
import { drawRoads, roadLabels, roadScene } from "../../../src/tasks/lanes/roads/draw.ts";
import { drawStrip } from "../../../src/tasks/lanes/roads/ground.ts";
import { columnAt, depthAt, labelsOf, lateralAt, ROAD_ROWS } from "../../../src/tasks/lanes/roads/scene.ts";
import { sourcesBelow, textOf } from "../../structure/sources.ts";
import { LACKS_REAL, realLabels } from "./real-labels.ts";
import { type RoadShape, roadShape } from "./road-shape.ts";

const scenes = Array.from({ length: 300 }, (_, i) => roadScene(1, "train", i));

describe("labels of drawn roads", () => {
  it("lead back to where the boundary lies, to a micrometre", () => {
    for (const scene of scenes) {
      const { lanes } = labelsOf(scene);
      const laterals = lanes.map((lane) =>
        lane.flatMap((x, i) => (x >= 0 ? [lateralAt(scene, x, depthAt(scene, ROAD_ROWS[i]))] : [])),
      );
      for (const found of laterals) {
        const nearest = scene.boundaries.reduce((a, b) => (Math.abs(b - found[0]) < Math.abs(a - found[0]) ? b : a));
        expect(Math.max(...found.map((lateral) => Math.abs(lateral - nearest)))).toBeLessThan(1e-6);
      }
    }
  });

  it("lie in the middle of the paint, to half a pixel", () => {
    const [height, width] = [72, 200];
    let rows = 0;
    for (const scene of scenes.slice(0, 60)) {
      for (const lateral of scene.boundaries) {
        const canvas = createCanvas(height, width);
        drawStrip(canvas, scene, { lateral, halfWidth: 0.08, colour: [1, 1, 1], opacity: 1 });
        for (let y = 0; y < height; y++) {
          const row = (y + 0.5) * 10;
          // Nearer to the horizon a sharp bend turns within one row of pixels.
          if (row < scene.horizon + 30) continue;
          const x = columnAt(scene, lateral, depthAt(scene, row)) / 6.4;
          // Paint that the picture's edge cuts has its middle elsewhere.
          if (x < 8 || x > width - 8) continue;
          let [sum, weighted] = [0, 0];
          for (let column = 0; column < width; column++) {
            const value = canvas.values[y * width + column];
            sum += value;
            weighted += value * (column + 0.5);
          }
          expect(Math.abs(weighted / sum - x)).toBeLessThan(0.5);
          rows++;
        }
      }
    }
    expect(rows).toBeGreaterThan(3000);
  });

  // What `roadShape` measures of TuSimple's four files: the least and greatest of the 5th, 50th and 95th percentiles.
  const REAL_SHAPE: Record<Exclude<keyof RoadShape, "lanes">, [number, number][]> = {
    horizon: [
      [217, 224],
      [235, 240],
      [250, 254],
    ],
    egoWidth: [
      [948, 1005],
      [1045, 1066],
      [1102, 1435],
    ],
    egoCentre: [
      [-178, -103],
      [38, 84],
      [148, 268],
    ],
    bend: [
      [0, 1e-9],
      [0.1, 2.7],
      [9.4, 16.6],
    ],
    rowsSeen: [
      [9, 14],
      [21, 42],
      [47, 50],
    ],
  };

  it("are spread as the real ones", () => {
    const shape = roadShape(roadLabels(2000, 1, "train"));
    for (const [name, ranges] of Object.entries(REAL_SHAPE)) {
      for (const [i, [least, most]] of ranges.entries()) {
        const value = shape[name as keyof RoadShape][i];
        expect([name, i, value >= least && value <= most, value]).toEqual([name, i, true, value]);
      }
    }
    for (const [i, share] of [0, 0.42, 0.46, 0.13].entries())
      expect(Math.abs(shape.lanes[i] - share)).toBeLessThan(0.03);
  });

  it.skipIf(LACKS_REAL)("the table is that of the real files", () => {
    const names = ["label_data_0313.json", "label_data_0531.json", "label_data_0601.json", "test_label.json"];
    const shapes = names.map((name) => roadShape(realLabels(name)));
    for (const [name, ranges] of Object.entries(REAL_SHAPE)) {
      for (const [i, [least, most]] of ranges.entries()) {
        const values = shapes.map((shape) => shape[name as keyof RoadShape][i]);
        // rowsSeen's 13 is the greatest 5th percentile; drawn roads come within a row of it.
        const slack = name === "rowsSeen" ? 1.1 : name === "bend" ? 0.15 : 1.1;
        expect(Math.abs(Math.min(...values) - least)).toBeLessThanOrEqual(slack);
        expect(Math.abs(Math.max(...values) - most)).toBeLessThanOrEqual(slack);
      }
    }
  });
});

describe("drawn roads", () => {
  it("are the same bytes for the same seed, each frame by itself", () => {
    const frames = drawRoads(12, 1, "train");
    expect(frames).toHaveLength(12 * 3 * 72 * 200);
    expect(sha256Hex(drawRoads(3, 1, "train"))).toBe(sha256Hex(frames.subarray(0, 3 * 43_200)));
    expect(sha256Hex(drawRoads(2, 1, "train", undefined, 5))).toBe(sha256Hex(frames.subarray(5 * 43_200, 7 * 43_200)));
    expect(sha256Hex(drawRoads(1, 1, "test"))).not.toBe(sha256Hex(frames.subarray(0, 43_200)));
    expect(sha256Hex(drawRoads(1, 2, "train"))).not.toBe(sha256Hex(frames.subarray(0, 43_200)));
    // Known bytes: a change of the drawing is a change of the data set, to be made on purpose (and with its revision).
    expect(sha256Hex(frames)).toBe("9182bf8bcfbaaa343f3bea2113faf8ba2d0602be7b8c3dbca0743acb42765f23");
  });

  it("use no function whose last bit may differ between machines", () => {
    const files = [...sourcesBelow("src/tasks/lanes/roads"), "src/tasks/lanes/cone.ts"];
    expect(files.length).toBeGreaterThan(8);
    const inexact = files.filter((file) =>
      /Math\.(?!floor|ceil|round|min|max|abs|sqrt\b)|\w \*\* \w|\.normal\(/.test(textOf(file)),
    );
    expect(inexact).toEqual([]);
  });
});
