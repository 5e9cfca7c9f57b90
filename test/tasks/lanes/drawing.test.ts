import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { PictureSheet } from "../../../src/report/figures/sheet.ts";
import { encodeLanes, logitsOf, REDUCED_GRID } from "../../../src/tasks/lanes/labels.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { writeTargets } from "../../../src/tasks/lanes/objectives/targets.ts";
import { drawRoads, roadLabels } from "../../../src/tasks/lanes/roads/draw.ts";
import { lanes } from "../../../src/tasks/lanes/task.ts";

const drawing = lanes.drawing!;
const set: LaneSet = { count: 2, height: 72, width: 200, pixels: drawRoads(2, 3, "x"), labels: roadLabels(2, 3, "x") };

/** The logits of which a label is the answer. */
function answering(i: number): Float32Array {
  const logits = new Float32Array(logitsOf(REDUCED_GRID));
  writeTargets(encodeLanes(set.labels[i], REDUCED_GRID, { extend: false }), REDUCED_GRID, logits, 0);
  return logits.map((x) => 60 * x);
}

describe("drawn frames", () => {
  it("are the frame's own pixels, with the true lanes inside", () => {
    const { png, width, height } = drawing.show(set, 1);
    const { data } = decode(png);
    expect([width, height]).toEqual([200, 72]);
    expect([data[0], data[1], data[2]]).toEqual([0, 1, 2].map((c) => set.pixels[(3 + c) * 72 * 200]));
    const points = drawing.truth(set, 1).flat();
    expect(points.length).toBeGreaterThan(40);
    expect(points.every(([x, y]) => x >= 0 && x <= 1 && y > 0.2 && y <= 1)).toBe(true);
  });

  it("have an answer's lanes beside the true ones, and words for them", () => {
    const [truth, answer] = [drawing.truth(set, 0), drawing.answer(answering(0), set, 0)];
    const perfect = drawing.words(answering(0), set, 0);
    expect(answer.length).toBe(Math.min(4, truth.length));
    expect(perfect).toMatch(/^[1-4] lanes?, accuracy (1\.00|0\.9\d)$/);
    // A point of an answer lies within a cell of a true one of its row.
    for (const [x, y] of answer.flat()) {
      const near = truth.flat().filter(([, row]) => Math.abs(row - y) < 0.002);
      if (near.length > 0) expect(Math.min(...near.map(([at]) => Math.abs(at - x)))).toBeLessThan(0.03);
    }
    expect(drawing.words(new Float32Array(logitsOf(REDUCED_GRID)).fill(1, 50 * 112), set, 0)).toBe(
      "no lane, accuracy 0.00",
    );
  });

  it("break a lane where it is not seen", () => {
    const {
      rows,
      lanes: [first],
    } = set.labels[0];
    const seen = first.flatMap((x, i) => (x >= 0 ? [i] : []));
    const hole = first.map((x, i) => (i === seen[seen.length >> 1] ? -2 : x));
    const broken = { ...set, labels: [{ rows, lanes: [hole] }, set.labels[1]] };
    expect(drawing.truth(broken, 0)).toHaveLength(2);
  });

  it("are stored once in a page, whatever lines lie over them", () => {
    const sheet = new PictureSheet();
    const picture = drawing.show(set, 0);
    const line = [
      [0, 0.5],
      [1, 1],
    ] as const;
    const pages = ["a", 'b"<'].map((alt) =>
      sheet.showWith(picture, alt, drawing.aspect, [{ line, style: "said-line" }]),
    );
    expect(pages[0].text).toContain('points="0,36 200,72"');
    expect(pages[1].text).toContain('aria-label="b&quot;&lt;"');
    expect(sheet.store()!.text.match(/<image /g)).toHaveLength(1);
  });
});
