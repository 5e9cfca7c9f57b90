import { describe, expect, it } from "vitest";
import { directionError, meanDirectionError } from "../../../src/tasks/lanes/direction.ts";
import { goalLabels, isEligible, LANE_GOALS, passes, succeeds } from "../../../src/tasks/lanes/goals.ts";
import { ABSENT, type Lane, type LaneLabels } from "../../../src/tasks/lanes/lane.ts";
import { intoSlots } from "../../../src/tasks/lanes/slots.ts";
import { LACKS_REAL, realLabels } from "./real-labels.ts";

const ROWS = Array.from({ length: 48 }, (_, i) => 240 + 10 * i);
const towards = (bottom: number): Lane => ROWS.map((row) => 640 + ((bottom - 640) * (row - 240)) / 470);
const TRUTH: LaneLabels = { rows: ROWS, lanes: [towards(200), towards(1100)] };
const goal = (name: string) => LANE_GOALS.get(name)!;

describe("goals", () => {
  it("shift and turn each lane, and let go of what leaves the picture", () => {
    const labels: LaneLabels = {
      rows: [300, 400, 500],
      lanes: [
        [1250, 1210, 5],
        [ABSENT, 100, 200],
        [1270, 1275, 1279],
      ],
    };
    expect(goalLabels(goal("lda"), labels).lanes).toEqual([]);
    expect(goalLabels(goal("loa"), labels).lanes).toEqual([
      [ABSENT, 1270, 65],
      [ABSENT, 160, 260],
    ]);
    expect(goalLabels(goal("loa-left"), labels).lanes[0]).toEqual([1190, 1150, ABSENT]);
    const [, turned] = goalLabels(goal("lra"), labels).lanes;
    expect(turned[0]).toBe(ABSENT);
    expect(turned[1]).toBeCloseTo(100 + 100 * 0.15838444032453627, 9);
    expect(turned[2]).toBe(200);
  });

  it("succeed on their own labels, and not on the truth or on another goal's", () => {
    const names = [...LANE_GOALS.keys()];
    for (const name of names) {
      expect(isEligible(goal(name), TRUTH)).toBe(true);
      for (const other of names)
        expect([name, other, succeeds(goal(name), goalLabels(goal(other), TRUTH).lanes, TRUTH)]).toEqual([
          name,
          other,
          name === other,
        ]);
      expect(succeeds(goal(name), TRUTH.lanes, TRUTH)).toBe(false);
    }
  });

  it("take a list without points for no lane", () => {
    expect(succeeds(goal("lda"), [ROWS.map(() => ABSENT)], TRUTH)).toBe(true);
    expect(passes([...TRUTH.lanes, ROWS.map(() => ABSENT)], TRUTH)).toBe(true);
    expect(passes([], TRUTH)).toBe(false);
  });

  it("cannot be seen on a frame whose lanes hardly move by the metric", () => {
    const flat: LaneLabels = {
      rows: [300, 310, 320, 330],
      lanes: [
        [100, 300, 500, 700],
        [1000, 800, 600, 400],
      ],
    };
    expect(isEligible(goal("loa"), flat)).toBe(false);
    expect(isEligible(goal("lda"), flat)).toBe(true);
  });
});

describe("direction error", () => {
  it("is the angle by which the ego lane is turned", () => {
    const truth = intoSlots(TRUTH);
    const turned = intoSlots(goalLabels(goal("lra"), TRUTH));
    expect(directionError(truth, truth, ROWS)).toBe(0);
    // The true direction leans a little itself, so the angle is not 9° to the digit.
    expect(directionError(turned, truth, ROWS)).toBeCloseTo(9, 1);
    expect(directionError(intoSlots(goalLabels(goal("loa"), TRUTH)), truth, ROWS)).toBeCloseTo(0, 9);
  });

  it("skips and counts frames without both boundaries", () => {
    const truth = intoSlots(TRUTH);
    const one = intoSlots({ rows: ROWS, lanes: [TRUTH.lanes[0]] });
    expect(directionError(one, truth, ROWS)).toBeNull();
    expect(meanDirectionError([2, null, 4])).toEqual({ degrees: 3, frames: 2, skipped: 1 });
    expect(meanDirectionError([null])).toEqual({ degrees: null, frames: 0, skipped: 1 });
  });
});

describe.skipIf(LACKS_REAL)("shares of real test frames that can show a goal", () => {
  const labels = LACKS_REAL ? [] : realLabels("test_label.json");
  const share = (test: (frame: LaneLabels) => boolean) => labels.filter(test).length / labels.length;

  it.each([
    ["lda", 1, 1],
    ["loa", 0.99, 1],
    ["lra", 0.78, 0.79],
  ])("%s", (name, least, most) => {
    const found = share((frame) => isEligible(goal(name), frame));
    expect(found).toBeGreaterThanOrEqual(least);
    expect(found).toBeLessThanOrEqual(most);
  });

  it("a turn of 6° or a smaller shift is seen in fewer", () => {
    expect(share((frame) => isEligible({ kind: "lra", degrees: 6 }, frame))).toBeCloseTo(0.575, 2);
    expect(share((frame) => isEligible({ kind: "loa", shift: 40 }, frame))).toBeCloseTo(0.992, 2);
  });
});
