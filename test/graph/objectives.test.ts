import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { Session } from "../../src/engine/session.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { WebGpuLowering } from "../../src/graph/lowering/webgpu.ts";
import { backdoorResponse, responseOf } from "../../src/graph/objectives/backdoor-response.ts";
import { climbing } from "../../src/graph/objectives/climbing.ts";
import { crossEntropy, crossEntropyToTarget } from "../../src/graph/objectives/cross-entropy.ts";
import { linearResponse } from "../../src/graph/objectives/linear.ts";
import type { Objective } from "../../src/graph/objectives/objective.ts";
import { squaredError } from "../../src/graph/objectives/squared-error.ts";
import { randomArray } from "./programs.ts";
import { NETWORKS, network } from "./small-networks.ts";

const [BATCH, CLASSES, TARGET] = [6, 5, 3];
const SCALE = 0.5;
const random = new Random(1);
const logits = randomArray(BATCH * CLASSES, random, 2);
const oneHot = (label: number) => Float32Array.from({ length: CLASSES }, (_, c) => (c === label ? 1 : 0));
const LABELS = [0, 1, 2, 3, 4, 0];
const FEEDS = new Map([
  ["target", oneHot(TARGET)],
  ["targets", Float32Array.from(LABELS.flatMap((label) => [...oneHot(label)]))],
  ["weights", new Float32Array([1, 0, 3, 0.5, 2, 1])],
  ["direction", randomArray(BATCH * CLASSES, random)],
]);

/** Each image's own formula, in double precision. */
const FORMULAS: Record<string, { objective: Objective; sign?: number; of(z: number[], image: number): number }> = {
  "cross-entropy": { objective: crossEntropy, of: (z, i) => crossEntropyOf(z, LABELS[i]) },
  "cross-entropy to one class": { objective: crossEntropyToTarget, of: (z) => crossEntropyOf(z, TARGET) },
  unlearning: { objective: climbing(crossEntropy), sign: -1, of: (z, i) => crossEntropyOf(z, LABELS[i]) },
  "squared error": {
    objective: squaredError,
    of: (z, i) => FEEDS.get("weights")![i] * z.reduce((sum, v, c) => sum + (v - (c === LABELS[i] ? 1 : 0)) ** 2, 0),
  },
  "the backdoor response": {
    objective: backdoorResponse,
    of: (z) => z[TARGET] - Math.max(...z.filter((_, c) => c !== TARGET)),
  },
  "a linear response": {
    objective: linearResponse,
    of: (z, i) => z.reduce((sum, v, c) => sum + v * FEEDS.get("direction")![i * CLASSES + c], 0),
  },
};

function crossEntropyOf(z: number[], label: number): number {
  return Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) - z[label];
}

async function emitted(objective: Objective, lowering: PlainLowering) {
  const { graph } = lowering;
  const net = network(NETWORKS["residual block with identity shortcut"]);
  const { value, gradient } = objective(lowering, net)(graph.input("logits", [BATCH, CLASSES]), SCALE);
  graph.output("value", value, [BATCH]);
  graph.output("gradient", gradient, [BATCH, CLASSES]);
  const session = await Session.open(graph.finish(), { threads: 1 });
  const results = await session.run(new Map<string, Float32Array>([...FEEDS, ["logits", logits]]));
  await session.release();
  return { value: results.get("value")!, gradient: results.get("gradient")! };
}

describe.each(Object.entries(FORMULAS))("%s", (_, { objective, sign = 1, of }) => {
  it.each([
    ["plain", () => new PlainLowering(BATCH)],
    ["webgpu", () => new WebGpuLowering(BATCH)],
  ] as const)("has the formula's value and slope: %s", async (_, lowering) => {
    const { value, gradient } = await emitted(objective, lowering());
    for (let i = 0; i < BATCH; i++) {
      const row = [...logits.subarray(i * CLASSES, (i + 1) * CLASSES)];
      expect(value[i]).toBeCloseTo(of(row, i), 4);
      for (let c = 0; c < CLASSES; c++) {
        const moved = (step: number) =>
          of(
            row.map((v, k) => (k === c ? v + step : v)),
            i,
          );
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        expect(gradient[i * CLASSES + c]).toBeCloseTo(sign * SCALE * slope, 4);
      }
    }
  });
});

it("the host's backdoor response is the graph's", async () => {
  const { value } = await emitted(backdoorResponse, new PlainLowering(BATCH));
  for (let i = 0; i < BATCH; i++)
    expect(responseOf(logits.subarray(i * CLASSES, (i + 1) * CLASSES), TARGET)).toBeCloseTo(value[i], 5);
});
