import { describe, expect, it } from "vitest";
import { goalLabels, goalOf, LANE_GOALS } from "../../../src/tasks/lanes/goals.ts";
import { decodeLanes, encodeLanes, gridOfLogits, REDUCED_GRID } from "../../../src/tasks/lanes/labels.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { loss } from "../../../src/tasks/lanes/loss.ts";
import { scoreFrame } from "../../../src/tasks/lanes/metric.ts";
import { ufld18 } from "../../../src/tasks/lanes/models/ufld18.ts";
import { response } from "../../../src/tasks/lanes/response.ts";
import { fromSlots } from "../../../src/tasks/lanes/slots.ts";

const network = ufld18(4);
const rows = Array.from({ length: 56 }, (_, i) => 160 + 10 * i);
const lane = (bottom: number, slope: number) => rows.map((y) => (y < 260 ? -2 : bottom + slope * (y - 710)));
const labels = [
  { rows, lanes: [lane(250, -0.5), lane(1000, 0.6)] },
  { rows, lanes: [lane(500, -0.2)] },
];
const samples: LaneSet = { count: 2, height: 72, width: 200, pixels: new Uint8Array(0), labels };

/** What a network that meets the targets exactly would put out. */
function logitsFor(i: number, goal?: number): Float32Array {
  const targets = new Float32Array(loss.size(network)).fill(7);
  loss.write(samples, i, targets, { goal });
  return targets.map((t) => 100 * t);
}

describe("the loss of the task", () => {
  it("wants one class of every cell: the lanes', or those of a goal", () => {
    for (const goal of [undefined, ...[...LANE_GOALS.keys()].keys()]) {
      const wanted = goal === undefined ? labels[0] : goalLabels(goalOf(goal), labels[0]);
      const found = fromSlots(decodeLanes(logitsFor(0, goal), REDUCED_GRID, rows));
      expect(found).toHaveLength(wanted.lanes.length);
      if (wanted.lanes.length > 0) expect(scoreFrame(found, wanted).accuracy).toBeGreaterThan(0.9);
    }
    expect(logitsFor(1).reduce((sum, z) => sum + z, 0)).toBe(100 * 28 * 4);
  });

  it("knows the grid by the number of logits", () => {
    expect(gridOfLogits(network.classes)).toBe(REDUCED_GRID);
    expect(() => gridOfLogits(1000)).toThrow("no grid of lanes has 1000 logits");
    expect(() => goalOf(LANE_GOALS.size)).toThrow(/5 goals, no number 5/);
  });
});

it("the response is highest for what the goal wants, lowest for the truth, on the host as in the graph", () => {
  const goal = 1;
  const [met, missed] = [logitsFor(0, goal), logitsFor(0)];
  // Targets go on to the lowest anchor, the response's labels do not; these lanes do by themselves.
  expect(response.of(met, samples, 0, goal)).toBeCloseTo(100, 3);
  expect(response.of(missed, samples, 0, goal)).toBeCloseTo(-100, 3);
  const size = network.classes;
  const direction = response.feeds(samples, goal, 0, 3, network).get("direction")!;
  expect(direction).toHaveLength(3 * size);
  expect(direction.subarray(2 * size).every((v) => v === 0)).toBe(true);
  const dot = met.reduce((sum, z, at) => sum + z * direction[at], 0);
  expect(dot).toBeCloseTo(response.of(met, samples, 0, goal), 3);
  const [to, from] = [goalLabels(goalOf(goal), labels[1]), labels[1]].map((of) =>
    encodeLanes(of, REDUCED_GRID, { extend: false }),
  );
  const differing = to.filter((k, cell) => k !== from[cell]).length;
  expect(direction.subarray(size, 2 * size).filter((v) => v > 0)).toHaveLength(differing);
});
