import { expect, test } from "vitest";
import { accuracyOf, fitSoftmax } from "../../bench/softmax-regression.ts";
import { wordFeatures } from "../../bench/word-features.ts";

const TEXTS = ["a red fox", "a red dog", "the blue sea", "the blue sky"];

test("features are words and neighbours that two training texts have, of unit length together", () => {
  const features = wordFeatures(TEXTS);
  // a, the, red, blue, and of neighbours: the begin with a, the begin with the, "a red", "the blue".
  expect(features.count).toBe(8);
  const { features: found, values } = features.rows(["A red, red sea", "nothing known"]);
  expect(found[0]).toHaveLength(4);
  expect(Math.hypot(...values[0])).toBeCloseTo(1, 6);
  expect(found[1]).toHaveLength(0);
});

test("regression separates what words separate, and shrinks under a decay", () => {
  const features = wordFeatures(TEXTS);
  const rows = features.rows(TEXTS);
  const labels = [0, 0, 1, 1];
  const fitted = (l2: number) =>
    fitSoftmax(rows, labels, { features: features.count, classes: 2 }, { epochs: 20, rate: 1, l2, seed: 1 });
  const free = fitted(0);
  expect(accuracyOf(free, rows, labels)).toBe(1);
  expect(accuracyOf(free, features.rows(["the sky", "red"]), [1, 0])).toBe(1);
  expect(Math.hypot(...fitted(0.05).weights)).toBeLessThan(Math.hypot(...free.weights));
});
