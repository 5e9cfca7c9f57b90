import { expect, test } from "vitest";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { LEARNING_RATE, updatedOf, velocityOf } from "../../src/graph/programs/sgd.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { feedsFor } from "./every-program.ts";

const network = buildNetwork("vgg13w4", 5);
const BATCH = 4;

/** Every parameter and velocity after one step, with buckets of at most so many values. */
async function stepWith(bucketValues: number): Promise<{ buckets: number; values: Map<string, Float32Array> }> {
  const sgd = { momentum: 0.9, nesterov: true, weightDecay: 5e-4, bucketValues };
  const { program, buckets } = trainProgram(await chooseLowering(network, BATCH), network, { sgd });
  const feeds = feedsFor(program, network).set(LEARNING_RATE, Float32Array.of(0.1));
  const velocity = (i: number) => Math.sin(i);
  let first = 0;
  // In the order of the parameters, so that each gets the same velocity however they are put together.
  for (const { name, size, parts } of buckets) {
    feeds.set(
      velocityOf(name),
      Float32Array.from({ length: size }, (_, i) => velocity(first + i)),
    );
    if (parts.length > 1) {
      const all = new Float32Array(size);
      for (const { key, start } of parts) all.set(feeds.get(key)!, start);
      feeds.set(name, all);
    }
    first += size;
  }
  const session = await Session.open(program, { threads: 1 });
  const results = await session.run(feeds);
  const values = new Map<string, Float32Array>();
  for (const { name, parts } of buckets) {
    for (const { key, start, size } of parts) {
      for (const nameOf of [updatedOf, velocityOf]) {
        values.set(nameOf(key), results.get(nameOf(name))!.slice(start, start + size));
      }
    }
  }
  await session.release();
  return { buckets: buckets.length, values };
}

test("an update by buckets is that of each parameter alone, bit for bit", async () => {
  const alone = await stepWith(0);
  expect(alone.buckets).toBe(alone.values.size / 2);
  for (const [values, count] of [
    [1000, (n: number) => n > 3 && n < alone.buckets],
    [1e9, (n: number) => n === 1],
  ] as const) {
    const together = await stepWith(values);
    expect(count(together.buckets), `${together.buckets} buckets`).toBe(true);
    expect(together.values).toEqual(alone.values);
  }
});
