import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState, parameterFeeds } from "../../src/graph/fold.ts";
import { foldedBias, foldedWeight, rowBiasGradient, rowSelector, rowWeightGradient } from "../../src/graph/folded.ts";
import type { LoweringKind } from "../../src/graph/lowering/lowering.ts";
import { unitsOf } from "../../src/graph/network.ts";
import { squaredError } from "../../src/graph/objectives/squared-error.ts";
import { featureProgram } from "../../src/graph/programs/features.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { gradientOf, trainProgram } from "../../src/graph/programs/train.ts";
import { randomArray, randomState, relativeError } from "./programs.ts";
import { BATCH, CLASSES, feedsFor, NETWORKS, network, slopeError } from "./small-networks.ts";

describe.each<LoweringKind>(["plain", "blocked"])("gradients of the %s lowering against finite differences", (kind) => {
  it.each(Object.entries(NETWORKS))("training: %s", async (_, body) => {
    const net = network(body);
    const { program, parameters } = trainProgram(await chooseLowering(net, BATCH, kind), net);
    const session = await Session.open(program, { threads: 1 });
    const feeds = feedsFor(net, 1);
    for (const [key, values] of parameterFeeds(randomState(net, 2))) feeds.set(key, values);
    const results = await session.run(feeds);
    const gradients = new Map([...parameters.keys()].map((key) => [key, results.get(gradientOf(key))!.slice()]));
    const run = async () => (await session.run(feeds)).get("loss")![0];
    const random = new Random(3);
    for (const [key, gradient] of gradients) {
      // A bias before batch statistics has no effect; its gradient is rounding.
      if (key === "b.bias") expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-5);
      else expect(await slopeError(run, feeds.get(key)!, gradient, random), key).toBeLessThan(0.03);
    }
    await session.release();
  });

  it("training towards numbers, images weighted, the classifier frozen", async () => {
    const net = network(NETWORKS["residual block with stride and projection"]);
    const trains = (key: string) => !key.startsWith("fc.");
    const lowering = await chooseLowering(net, BATCH, kind);
    const { program, trained } = trainProgram(lowering, net, { objective: squaredError, trains });
    const session = await Session.open(program, { threads: 1 });
    const random = new Random(9);
    const feeds = feedsFor(net, 10);
    feeds.set("targets", randomArray(BATCH * CLASSES, random)).set("weights", new Float32Array([1, 0, 3, 0.5]));
    for (const [key, values] of parameterFeeds(randomState(net, 11))) feeds.set(key, values);
    const results = new Map([...(await session.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const logits = results.get("logits")!;
    const squares = logits.map(
      (v, i) => feeds.get("weights")![Math.floor(i / CLASSES)] * (v - feeds.get("targets")![i]) ** 2,
    );
    expect(results.get("loss")![0]).toBeCloseTo(squares.reduce((sum, v) => sum + v, 0) / BATCH, 3);
    expect([...trained].sort()).toEqual(
      [...feeds.keys()].filter((key) => /^(bn\.)?[acde]\.(weight|bias)$/.test(key)).sort(),
    );
    const run = async () => (await session.run(feeds)).get("loss")![0];
    for (const key of trained) {
      expect(await slopeError(run, feeds.get(key)!, results.get(gradientOf(key))!, random), key).toBeLessThan(0.03);
    }
    await session.release();
  });

  it.each(Object.entries(NETWORKS))("frozen batch norm, selected rows: %s", async (_, body) => {
    const net = network(body);
    const rows = new Map(unitsOf(net).map((unit) => [unit.id, 16]));
    const session = await Session.open(finetuneProgram(await chooseLowering(net, BATCH, kind), net, rows), {
      threads: 1,
    });
    const feeds = new Map([...feedsFor(net, 4), ...foldState(net, randomState(net, 5))]);
    const random = new Random(6);
    const channels = new Map<string, number[]>();
    for (const unit of unitsOf(net)) {
      if (unit.width === 16) channels.set(unit.id, [...Array(16).keys()]);
      else {
        const chosen = [...random.sample(unit.width, 16)];
        const selector = new Float32Array(16 * unit.width);
        chosen.forEach((c, k) => {
          selector[k * unit.width + c] = 1;
        });
        feeds.set(rowSelector(unit.id), selector);
        channels.set(unit.id, chosen);
      }
    }
    const results = await session.run(feeds);
    const run = async () => (await session.run(feeds)).get("loss")![0];
    const gradients = new Map([...results].map(([key, values]) => [key, values.slice()]));
    for (const unit of unitsOf(net)) {
      const spread = (values: Float32Array, size: number) => {
        const all = new Float32Array(unit.width * size);
        channels.get(unit.id)!.forEach((c, k) => {
          all.set(values.subarray(k * size, (k + 1) * size), c * size);
        });
        return all;
      };
      const weight = feeds.get(foldedWeight(unit.id))!;
      const dWeight = spread(gradients.get(rowWeightGradient(unit.id))!, weight.length / unit.width);
      // Only selected rows have gradients, so only they may move.
      const mask = (array: Float32Array, gradient: Float32Array) => restrict(array, gradient, run, random);
      expect(await mask(weight, dWeight), unit.id).toBeLessThan(0.03);
      const dBias = spread(gradients.get(rowBiasGradient(unit.id))!, 1);
      expect(await mask(feeds.get(foldedBias(unit.id))!, dBias), unit.id).toBeLessThan(0.03);
    }
    await session.release();
  });
});

describe.each<LoweringKind>(["plain", "blocked"])("gradients by the image of the %s lowering", (kind) => {
  it.each(Object.entries(NETWORKS))("squared distance of chosen features: %s", async (_, body) => {
    const net = network(body);
    const session = await Session.open(featureProgram(await chooseLowering(net, BATCH, kind), net), { threads: 1 });
    const random = new Random(11);
    const feeds = new Map([...feedsFor(net, 9), ...foldState(net, randomState(net, 10))]);
    const width = session.inputShape("aim")[1];
    const chosen = Float32Array.from({ length: BATCH * width }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const aim = randomArray(BATCH * width, random);
    feeds.set("chosen", chosen).set("aim", aim);
    const gradient = (await session.run(feeds)).get("image_gradient")!.slice();
    const run = async () => {
      const features = (await session.run(feeds)).get("features")!;
      return features.reduce((sum, value, i) => sum + chosen[i] * (value - aim[i]) ** 2, 0);
    };
    expect(await slopeError(run, feeds.get("input")!, gradient, random)).toBeLessThan(0.03);
    await session.release();
  });
});

/** The slope error over those entries of a parameter whose gradient was computed. */
async function restrict(
  array: Float32Array,
  gradient: Float32Array,
  run: () => Promise<number>,
  random: Random,
): Promise<number> {
  const live = [...gradient.keys()].filter((i) => gradient[i] !== 0);
  const part = Float32Array.from(live, (i) => array[i]);
  const write = async () => {
    live.forEach((i, k) => {
      array[i] = part[k];
    });
    return run();
  };
  const error = await slopeError(
    write,
    part,
    Float32Array.from(live, (i) => gradient[i]),
    random,
  );
  await write();
  return error;
}

describe("the two lowerings agree", () => {
  it.each(Object.entries(NETWORKS))("%s", async (_, body) => {
    const net = network(body);
    const feeds = feedsFor(net, 7);
    for (const [key, values] of parameterFeeds(randomState(net, 8))) feeds.set(key, values);
    const outputs = [];
    for (const kind of ["plain", "blocked"] as const) {
      const lowering = await chooseLowering(net, BATCH, kind);
      const session = await Session.open(trainProgram(lowering, net).program, { threads: 1 });
      outputs.push(await session.run(feeds));
    }
    for (const [key, values] of outputs[0]) {
      if (key !== gradientOf("b.bias")) expect(relativeError(outputs[1].get(key)!, values), key).toBeLessThan(1e-4);
    }
  });
});
