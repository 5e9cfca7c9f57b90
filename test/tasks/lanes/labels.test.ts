import { describe, expect, it } from "vitest";
import {
  decodeLanes,
  encodeLanes,
  FULL_GRID,
  type LaneGrid,
  logitsOf,
  REDUCED_GRID,
} from "../../../src/tasks/lanes/labels.ts";
import { ABSENT, type Lane, type LaneLabels } from "../../../src/tasks/lanes/lane.ts";
import { meanScore, scoreFrame } from "../../../src/tasks/lanes/metric.ts";
import { fromSlots, intoSlots } from "../../../src/tasks/lanes/slots.ts";
import { LACKS_REAL, realLabels } from "./real-labels.ts";

const ROWS = FULL_GRID.anchors;
const line = (bottom: number, slope: number): Lane =>
  ROWS.map((row) => {
    const x = Math.round(bottom + slope * (row - 710));
    return row >= 260 && x >= 0 && x < 1280 ? x : ABSENT;
  });
const LANES = [line(-400, -2.3), line(150, -1.1), line(1130, 1.1), line(1600, 2.2)];

/** Logits of a network that is sure of these classes. */
function sure(classes: Uint8Array, { cells, anchors }: LaneGrid): Float32Array {
  const logits = new Float32Array((cells + 1) * anchors.length * 4);
  for (const [cell, k] of classes.entries()) logits[k * classes.length + cell] = 200;
  return logits;
}

function through(labels: LaneLabels, grid: LaneGrid): Lane[] {
  const classes = encodeLanes(labels, grid, { extend: false });
  return fromSlots(decodeLanes(sure(classes, grid), grid, labels.rows));
}

describe("slots", () => {
  it("go from the car outwards, whatever the order of the lists; a fifth lane has none", () => {
    const order = [2, 0, 3, 1].map((i) => LANES[i]);
    expect(intoSlots({ rows: ROWS, lanes: order })).toEqual(LANES);
    const farther = line(2000, 3.5);
    expect(intoSlots({ rows: ROWS, lanes: [farther, ...order] })).toEqual(LANES);
    expect(intoSlots({ rows: ROWS, lanes: [LANES[2]] })).toEqual([null, null, LANES[2], null]);
  });

  it("go by the near part of a bend, and pass over lists without points", () => {
    // Far away it leans to the left, at the car it lies to the right.
    const bend = ROWS.map((row) => (row < 300 ? ABSENT : 700 - Math.round(((710 - row) / 30) ** 2)));
    expect(intoSlots({ rows: ROWS, lanes: [ROWS.map(() => ABSENT), bend] })).toEqual([null, null, bend, null]);
  });
});

describe("encoding", () => {
  it("counts cells of 1279/(G − 1) pixels, and G where there is no lane", () => {
    const lane = ROWS.map((row) => (row === 400 ? 0 : row === 410 ? 1279 : row === 420 ? 700 : ABSENT));
    const classes = encodeLanes({ rows: ROWS, lanes: [lane] }, FULL_GRID, { extend: false });
    const slot = intoSlots({ rows: ROWS, lanes: [lane] }).findIndex((one) => one !== null);
    const at = (row: number) => classes[4 * ROWS.indexOf(row) + slot];
    expect([at(390), at(400), at(410), at(420)]).toEqual([100, 0, 99, Math.floor(700 / (1279 / 99))]);
    expect([...classes].filter((k) => k !== 100)).toHaveLength(3);
  });

  it("may extend a lane to the lowest row, as far as it stays in the picture", () => {
    const short = ROWS.map((row) => (row >= 300 && row <= 500 ? 400 - (row - 300) : ABSENT));
    const labels = { rows: ROWS, lanes: [short] };
    const [kept, extended] = [false, true].map((extend) => encodeLanes(labels, FULL_GRID, { extend }));
    const at = (classes: Uint8Array, row: number) => classes[4 * ROWS.indexOf(row) + 1];
    expect([at(kept, 600), at(kept, 500)]).toEqual([100, Math.floor(200 / (1279 / 99))]);
    expect(at(extended, 600)).toBe(Math.floor(100 / (1279 / 99)));
    expect([at(extended, 690), at(extended, 710)]).toEqual([0, 100]);
    const few = { rows: ROWS, lanes: [short.map((x, i) => (ROWS[i] <= 340 ? x : ABSENT))] };
    expect(encodeLanes(few, FULL_GRID, { extend: true })).toEqual(encodeLanes(few, FULL_GRID, { extend: false }));
  });

  it("has no class for anchors that a frame lacks", () => {
    const rows = ROWS.slice(8);
    const classes = encodeLanes({ rows, lanes: [LANES[1].slice(8)] }, FULL_GRID, { extend: false });
    expect([...classes.subarray(0, 4 * 8)].every((k) => k === 100)).toBe(true);
    expect(classes.subarray(4 * 10)).toEqual(
      encodeLanes({ rows: ROWS, lanes: [LANES[1]] }, FULL_GRID, { extend: false }).subarray(4 * 10),
    );
  });
});

describe("decoding", () => {
  it("gives back what was encoded, to half a cell", () => {
    for (const grid of [FULL_GRID, REDUCED_GRID]) {
      const found = through({ rows: ROWS, lanes: LANES }, grid);
      expect(found).toHaveLength(4);
      for (const [i, lane] of found.entries()) {
        for (const [r, x] of lane.entries())
          if (grid.anchors.includes(ROWS[r]) && x >= 0 && LANES[i][r] >= 0)
            expect(Math.abs(x - LANES[i][r])).toBeLessThanOrEqual(1280 / (grid.cells - 1) / 2 + 2);
      }
    }
  });

  it("takes the expectation over the cells, the absent class left out", () => {
    const grid = { anchors: [700, 710], cells: 5 };
    const logits = new Float32Array(logitsOf(grid)).fill(-100);
    const set = (k: number, r: number, slot: number, z: number) => {
      logits[(k * 2 + r) * 4 + slot] = z;
    };
    for (const r of [0, 1]) {
      for (let slot = 0; slot < 4; slot++) set(5, r, slot, 10);
      set(1, r, 2, Math.log(3) + 20);
      set(2, r, 2, 20);
      set(5, r, 2, 19);
    }
    // (1·¾ + 2·¼ + ½)·1280/4.
    expect(decodeLanes(logits, grid, [700, 710])).toEqual([null, null, [560, 560], null]);
  });

  it("fills rows between anchors, and one step beyond the last, but no gap", () => {
    const grid = { anchors: [640, 660, 680, 700], cells: 50 };
    const classes = new Uint8Array(16).fill(50);
    for (const [r, k] of [10, 14, 50, 50].entries()) classes[4 * r + 1] = k;
    for (const [r, k] of [50, 50, 20, 24].entries()) classes[4 * r + 2] = k;
    const [, left, right] = decodeLanes(sure(classes, grid), grid, [630, 640, 650, 660, 670, 700, 710, 730]);
    const x = (k: number) => Math.round(((k + 0.5) * 1280) / 49);
    expect(left).toEqual([ABSENT, x(10), x(12), x(14), ABSENT, ABSENT, ABSENT, ABSENT]);
    expect(right).toEqual([ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, x(24), x(26), ABSENT]);
  });

  it("drops a lane that is seen at one anchor alone", () => {
    const classes = new Uint8Array(4 * 28).fill(50);
    classes[4 * 20] = 7;
    expect(decodeLanes(sure(classes, REDUCED_GRID), REDUCED_GRID, ROWS)).toEqual([null, null, null, null]);
  });
});

describe.skipIf(LACKS_REAL)("the grids' ceiling on the real test labels", () => {
  const labels = LACKS_REAL ? [] : realLabels("test_label.json");

  it.each([
    ["full", FULL_GRID, 0.99],
    ["reduced", REDUCED_GRID, 0.975],
  ] as const)("%s", (_, grid, least) => {
    const { accuracy } = meanScore(labels.map((frame) => scoreFrame(through(frame, grid), frame)));
    expect(accuracy).toBeGreaterThanOrEqual(least);
    expect(accuracy).toBeLessThan(1);
  });
});
