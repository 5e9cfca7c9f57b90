import { expect, it } from "vitest";
import { signs } from "../../src/tasks/classification/datasets/signs.ts";
import { linearAccuracy } from "./softmax-regression.ts";

it("signs are beyond a linear classifier: above chance, below 0.75", async () => {
  const data = await signs.load({ dataDir: "/nowhere", seed: 1 });
  const accuracy = linearAccuracy(data.train, data.test, 10, 5);
  expect(accuracy).toBeGreaterThan(0.35);
  expect(accuracy).toBeLessThan(0.75);
});
