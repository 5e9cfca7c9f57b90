import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { Session } from "../../../src/engine/session.ts";
import { PlainLowering } from "../../../src/graph/lowering/plain.ts";
import { WebGpuLowering } from "../../../src/graph/lowering/webgpu.ts";
import { linearResponse } from "../../../src/graph/objectives/linear.ts";
import type { Objective } from "../../../src/graph/objectives/objective.ts";
import { goalLabels, LANE_GOALS } from "../../../src/tasks/lanes/goals.ts";
import { encodeLanes, type LaneGrid, logitsOf, REDUCED_GRID } from "../../../src/tasks/lanes/labels.ts";
import { ufld18 } from "../../../src/tasks/lanes/models/ufld18.ts";
import { type LaneLossOptions, laneLoss } from "../../../src/tasks/lanes/objectives/loss.ts";
import { writeResponse, writeTargets } from "../../../src/tasks/lanes/objectives/targets.ts";
import { randomArray } from "../../graph/programs.ts";

const BATCH = 3;
const SCALE = 0.5;
const GRID: LaneGrid = { anchors: [200, 300, 400, 500], cells: 5 };
const [CLASSES, ROWS, SLOTS] = [6, 4, 4];
const CELLS = ROWS * SLOTS;
const OUTPUTS = CLASSES * CELLS;

async function emitted(objective: Objective, lowering: PlainLowering, feeds: Map<string, Float32Array>) {
  const { graph } = lowering;
  const net = { ...ufld18(4), classes: OUTPUTS };
  const { value, gradient } = objective(lowering, net)(graph.input("logits", [BATCH, OUTPUTS]), SCALE);
  graph.output("value", value, [BATCH]);
  graph.output("gradient", gradient, [BATCH, OUTPUTS]);
  const session = await Session.open(graph.finish(), { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return { value: results.get("value")!, gradient: results.get("gradient")! };
}

/** The loss of one picture as the page states it, in double precision. */
function lossOf(z: ArrayLike<number>, classes: ArrayLike<number>, { similarity, focal }: LaneLossOptions): number {
  let loss = 0;
  for (let cell = 0; cell < CELLS; cell++) {
    const column = Array.from({ length: CLASSES }, (_, k) => z[k * CELLS + cell]);
    const log = column[classes[cell]] - Math.log(column.reduce((sum, v) => sum + Math.exp(v), 0));
    loss -= ((1 - Math.exp(log)) ** focal * log) / CELLS;
  }
  for (let k = 0; k < CLASSES; k++) {
    for (let at = 0; at < CELLS - SLOTS; at++) {
      const d = Math.abs(z[k * CELLS + at] - z[k * CELLS + at + SLOTS]);
      loss += (similarity * (d < 1 ? (d * d) / 2 : d - 0.5)) / (CLASSES * (CELLS - SLOTS));
    }
  }
  return loss;
}

describe.each<[string, LaneLossOptions]>([
  ["cross-entropy alone", { similarity: 0, focal: 0 }],
  ["with the similarity of rows", { similarity: 1, focal: 0 }],
  ["of the focal form", { similarity: 0.7, focal: 2 }],
])("the loss of lanes, %s", (_, options) => {
  const random = new Random(1);
  const logits = randomArray(BATCH * OUTPUTS, random, 1.5);
  const classes = Uint8Array.from({ length: BATCH * CELLS }, () => random.below(CLASSES));
  const targets = new Float32Array(BATCH * OUTPUTS);
  const classesAt = (i: number) => classes.subarray(i * CELLS, (i + 1) * CELLS);
  for (let i = 0; i < BATCH; i++) writeTargets(classesAt(i), GRID, targets, i * OUTPUTS);

  it.each([
    ["plain", () => new PlainLowering(BATCH)],
    ["webgpu", () => new WebGpuLowering(BATCH)],
  ] as const)("has the formula's value and slope: %s", async (_, lowering) => {
    const feeds = new Map([
      ["logits", logits],
      ["targets", targets],
    ]);
    const { value, gradient } = await emitted(laneLoss(GRID, options), lowering(), feeds);
    for (let i = 0; i < BATCH; i++) {
      const z = Float64Array.from(logits.subarray(i * OUTPUTS, (i + 1) * OUTPUTS));
      expect(value[i]).toBeCloseTo(lossOf(z, classesAt(i), options), 5);
      for (let at = 0; at < OUTPUTS; at++) {
        const moved = (step: number) =>
          lossOf(
            z.map((v, j) => (j === at ? v + step : v)),
            classesAt(i),
            options,
          );
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        expect(gradient[i * OUTPUTS + at]).toBeCloseTo(SCALE * slope, 5);
      }
    }
  });
});

it("rows that are alike have no similarity to lose", async () => {
  const logits = Float32Array.from({ length: BATCH * OUTPUTS }, (_, at) => Math.floor(at / CELLS) % CLASSES);
  const targets = new Float32Array(BATCH * OUTPUTS);
  for (let i = 0; i < BATCH; i++) writeTargets(new Uint8Array(CELLS), GRID, targets, i * OUTPUTS);
  const feeds = new Map([
    ["logits", logits],
    ["targets", targets],
  ]);
  const [plain, similar] = await Promise.all(
    [0, 1].map((similarity) => emitted(laneLoss(GRID, { similarity, focal: 0 }), new PlainLowering(BATCH), feeds)),
  );
  expect(similar).toEqual(plain);
});

describe("the response of a goal", () => {
  const rows = REDUCED_GRID.anchors;
  const lane = (bottom: number, slope: number) => rows.map((row) => (row < 260 ? -2 : bottom + slope * (row - 700)));
  const truth = { rows, lanes: [lane(300, -0.6), lane(1000, 0.6)] };
  const [size, cells] = [logitsOf(REDUCED_GRID), rows.length * 4];

  it.each([...LANE_GOALS])(
    "%s: what the wanted classes' logits exceed the true ones' by, in the mean",
    async (_, goal) => {
      const wanted = goalLabels(goal, truth);
      const direction = new Float32Array(size + 3).fill(7);
      writeResponse(wanted, truth, REDUCED_GRID, direction, 2);
      expect([direction[1], direction[size + 2]]).toEqual([7, 7]);
      const [to, from] = [wanted, truth].map((labels) => encodeLanes(labels, REDUCED_GRID, { extend: false }));
      const differing = [...to.keys()].filter((cell) => to[cell] !== from[cell]);
      expect(differing.length).toBeGreaterThan(20);
      const logits = randomArray(size, new Random(2));
      const expected = differing.map((cell) => logits[to[cell] * cells + cell] - logits[from[cell] * cells + cell]);
      const r = logits.reduce((sum, z, at) => sum + z * direction[at + 2], 0);
      expect(r).toBeCloseTo(expected.reduce((sum, v) => sum + v, 0) / differing.length, 5);
    },
  );

  it("is nothing where nothing is to change", () => {
    const direction = new Float32Array(size).fill(7);
    writeResponse(truth, truth, REDUCED_GRID, direction, 0);
    expect(direction.every((v) => v === 0)).toBe(true);
  });

  it("is linear in the graph, too", async () => {
    const random = new Random(3);
    const [logits, direction] = [randomArray(BATCH * OUTPUTS, random), randomArray(BATCH * OUTPUTS, random)];
    const feeds = new Map([
      ["logits", logits],
      ["direction", direction],
    ]);
    const { gradient } = await emitted(linearResponse, new PlainLowering(BATCH), feeds);
    expect(gradient).toEqual(direction.map((v) => v * SCALE));
  });
});
