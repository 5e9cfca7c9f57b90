import { afterAll, expect, it } from "vitest";
import { unitsOf } from "../../src/graph/network.ts";
import { rowOf } from "../../src/measure/verdicts.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { model, network, runner, suspectOf, tokenizer } from "../localize/planted-word.ts";

afterAll(() => runner.release());

it("the response of a text owes to each neuron what the two answers owe to it at all positions", async () => {
  const { state, clean } = suspectOf(model(true));
  const texts = subsetOf(clean.fit as TextSet, [0, 1, 2, 3, 4]);
  const target = 2;
  const found = await runner.response(state, texts, target);
  const outputs = await runner.outputs(state, texts);
  const rivals = tokenizer.answers.filter((_, c) => c !== target);
  const best = Array.from({ length: texts.count }, (_, i) => {
    const output = rowOf(outputs, texts.count, i);
    return rivals.reduce((most, answer) => (output[answer] > output[most] ? answer : most));
  });
  const sums = new Map(
    unitsOf(network).map(({ id, width }) => [id, { dots: new Float64Array(width), slopes: new Float64Array(width) }]),
  );
  const add = (asked: number[], sign: 1 | -1) =>
    runner.eachPosition(state, texts, asked, (layers) => {
      for (const { id, width } of unitsOf(network)) {
        const { activations, slopes } = layers.get(id)!;
        const own = sums.get(id)!;
        for (const [i, slope] of slopes.entries()) {
          own.slopes[i % width] += (sign * slope) / texts.count;
          own.dots[i % width] += (sign * slope * activations[i]) / texts.count;
        }
      }
    });
  await add(new Array(texts.count).fill(tokenizer.answers[target]), 1);
  await add(best, -1);
  const taps = await runner.taps(state, texts, "mean");
  for (const { id, width } of unitsOf(network)) {
    const { dots, slopes, means } = found.get(id)!;
    const own = sums.get(id)!;
    const [dot, slope] = [own.dots, own.slopes].map((values) => Math.max(...values.map(Math.abs)));
    for (let c = 0; c < width; c++) {
      expect(Math.abs(dots[c] - own.dots[c]) / dot).toBeLessThan(1e-4);
      expect(Math.abs(slopes[c] - own.slopes[c]) / slope).toBeLessThan(1e-4);
      let mean = 0;
      for (let i = 0; i < texts.count; i++) mean += taps.get(id)![i * width + c] / texts.count;
      expect(means[c]).toBeCloseTo(mean, 4);
    }
  }
});
