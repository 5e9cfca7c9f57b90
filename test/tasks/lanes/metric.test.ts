import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ABSENT, type Lane, type LaneLabels, seenLanes } from "../../../src/tasks/lanes/lane.ts";
import { meanScore, scoreFrame } from "../../../src/tasks/lanes/metric.ts";
import { readLabelFile } from "../../../src/tasks/lanes/tusimple/label-file.ts";
import { LACKS_REAL, REAL } from "./real-labels.ts";

const ROWS = Array.from({ length: 20 }, (_, i) => 520 + 10 * i);
const upright = (x: number): Lane => ROWS.map(() => x);
/** One pixel to the right for each row of pixels: its threshold is 20·√2. */
const slanted = (x: number): Lane => ROWS.map((row) => x + row - ROWS[0]);
const frame = (...lanes: Lane[]): LaneLabels => ({ rows: ROWS, lanes });
const shifted = (lane: Lane, by: number): Lane => lane.map((x) => (x >= 0 ? x + by : x));
const values = (predicted: Lane[], truth: LaneLabels) => {
  const { accuracy, falsePositives, falseNegatives } = scoreFrame(predicted, truth);
  return [accuracy, falsePositives, falseNegatives];
};

describe("TuSimple's evaluator on frames made by hand", () => {
  it("is perfect on the truth, and counts no list at all as all missed", () => {
    const truth = frame(upright(300), upright(900));
    expect(values([...truth.lanes], truth)).toEqual([1, 0, 0]);
    expect(values([], truth)).toEqual([0, 0, 1]);
  });

  it("takes less than 20 pixels across the lane", () => {
    expect(values([upright(319)], frame(upright(300)))).toEqual([1, 0, 0]);
    expect(values([upright(320)], frame(upright(300)))).toEqual([0, 1, 1]);
    expect(values([slanted(328)], frame(slanted(300)))).toEqual([1, 0, 0]);
    expect(values([slanted(329)], frame(slanted(300)))).toEqual([0, 1, 1]);
  });

  it("finds a lane from .85 of its rows on, and gives the share in any case", () => {
    const half = (rows: number): Lane => upright(300).map((x, i) => (i < rows ? x : 500));
    expect(values([half(17)], frame(upright(300)))).toEqual([0.85, 0, 0]);
    expect(values([half(16)], frame(upright(300)))).toEqual([0.8, 1, 1]);
  });

  it("lets absent rows agree, so that a list that is absent everywhere scores: it must be dropped before", () => {
    const far = upright(300).map((x, i) => (i < 8 ? ABSENT : x));
    const nothing = upright(ABSENT);
    expect(values([nothing], frame(far))).toEqual([0.4, 1, 1]);
    expect(values(seenLanes([nothing]), frame(far))).toEqual([0, 0, 1]);
  });

  it("refuses more lists than lanes and two", () => {
    const lists = [300, 400, 500, 600].map(upright);
    expect(values(lists, frame(upright(300)))).toEqual([0, 0, 1]);
    expect(values(lists.slice(1), frame(upright(400)))).toEqual([1, 2 / 3, 0]);
  });

  it("forgives one of five lanes", () => {
    const five = frame(...[100, 350, 600, 850, 1100].map(upright));
    expect(values(five.lanes.slice(1), five)).toEqual([1, 0, 0]);
    expect(values(five.lanes.slice(2), five)).toEqual([0.75, 0, 0.25]);
    expect(values([...five.lanes], five)).toEqual([1, 0, 0]);
  });

  it("lets one list find two lanes, and counts false positives below none", () => {
    expect(values([upright(310)], frame(upright(300), upright(320)))).toEqual([1, -1, 0]);
  });

  it("takes the mean over frames", () => {
    const truth = frame(upright(300));
    const scores = [[upright(300)], [upright(500), upright(700)]].map((lanes) => scoreFrame(lanes, truth));
    expect(meanScore(scores)).toEqual({ accuracy: 0.5, falsePositives: 0.5, falseNegatives: 0.5 });
  });
});

describe.skipIf(LACKS_REAL)("TuSimple's evaluator on six real frames", () => {
  const frames = LACKS_REAL ? [] : readLabelFile(join(REAL, "tusimple-mini", "label_data_0601.json"));
  const moved = (by: number) => (labels: LaneLabels) => labels.lanes.map((lane) => shifted(lane, by));

  // By the released evaluator in Python.
  it.each<[string, (labels: LaneLabels) => readonly Lane[], number[]]>([
    ["the truth", ({ lanes }) => lanes, [1, 0, 0]],
    ["no lists", () => [], [0, 0, 1]],
    ["as many absent lists", ({ lanes }) => lanes.map((lane) => lane.map(() => ABSENT)), [0.4673, 0.9667, 0.9583]],
    ["x + 15", moved(15), [1, 0, 0]],
    ["x + 40", moved(40), [0.631, 0.4833, 0.4583]],
    ["x + 60", moved(60), [0.6004, 0.5583, 0.5417]],
    ["x + 120", moved(120), [0.4844, 0.9667, 0.9583]],
  ])("gives the released figures for %s", (_, predict, expected) => {
    const score = meanScore(frames.map((labels) => scoreFrame(predict(labels), labels)));
    expect(frames).toHaveLength(6);
    for (const [i, value] of [score.accuracy, score.falsePositives, score.falseNegatives].entries())
      expect(value).toBeCloseTo(expected[i], 4);
  });
});
