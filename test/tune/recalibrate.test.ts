import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState, parameterFeeds } from "../../src/graph/fold.ts";
import { convUnits } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { recalibrate } from "../../src/tune/recalibrate.ts";
import { Trainer } from "../../src/tune/trainer.ts";
import { randomArray, randomState, relativeError } from "../graph/programs.ts";

const BATCH = 8;
const CLASSES = 3;
const network = buildNetwork("resnet18w8", CLASSES);
const state = randomState(network, 1);
const images = [2, 3].map((seed) => randomArray(BATCH * 3072, new Random(seed), seed / 2));
const options = { batch: BATCH, threads: 1 };

it("after recalibration on a batch, the model answers it as in training, where the batch normalises itself", async () => {
  const found = await recalibrate(network, state, [images[0]], options);
  const inference = await Session.open(inferProgram(await chooseLowering(network, BATCH), network), options);
  const training = await Session.open(trainProgram(await chooseLowering(network, BATCH), network).program, options);
  const feeds = parameterFeeds(state);
  feeds.set("input", images[0]).set("targets", new Float32Array(BATCH * CLASSES));
  const expected = (await training.run(feeds)).get("logits")!;
  const logits = async (model: typeof state) =>
    (await inference.run(foldState(network, model).set("input", images[0]))).get("logits")!.slice();
  expect(relativeError(await logits(found), expected)).toBeLessThan(1e-3);
  expect(relativeError(await logits(state), expected)).toBeGreaterThan(0.1);
  for (const [key, { data }] of found) {
    if (!/running_/.test(key)) expect(data, key).toEqual(state.get(key)!.data);
  }
});

it("several batches count as one: means of means, variances with the spread between batches", async () => {
  const [first, second, both] = await Promise.all(
    [[images[0]], [images[1]], images].map((batches) => recalibrate(network, state, batches, options)),
  );
  for (const { bn } of convUnits(network)) {
    const of = (model: typeof state, part: string) => model.get(`${bn}.running_${part}`)!.data;
    of(both, "mean").forEach((mean, c) => {
      const [a, b] = [of(first, "mean")[c], of(second, "mean")[c]];
      expect(mean).toBeCloseTo((a + b) / 2, 4);
      const spread = ((a - b) / 2) ** 2;
      const within = (of(first, "var")[c] + of(second, "var")[c]) / 2;
      expect(Math.abs(of(both, "var")[c] / (within + spread) - 1)).toBeLessThan(1e-3);
    });
  }
});

it("a trainer leaves the parameters that it does not train as they are, and moves the others", async () => {
  const trains = (key: string) => key.startsWith("linear.") || /bn\d\./.test(key);
  const sgd = { momentum: 0.9, nesterov: false, weightDecay: 0.01 };
  const copy = new Map([...state].map(([key, { shape, data }]) => [key, { shape, data: data.slice() }]));
  const trainer = await Trainer.create(network, copy, { ...sgd, trains, ...options });
  const targets = Float32Array.from({ length: BATCH * CLASSES }, (_, i) => Number(i % CLASSES === 1));
  for (const batch of images) await trainer.step(batch, targets, 0.1);
  for (const [key, { data }] of trainer.snapshot()) {
    const isKept = !trains(key) && !/running_/.test(key);
    if (isKept) expect(data, key).toEqual(state.get(key)!.data);
    else expect(data, key).not.toEqual(state.get(key)!.data);
  }
  await trainer.release();
});
