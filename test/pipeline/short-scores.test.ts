import fc from "fast-check";
import { expect, it } from "vitest";
import { suspicionOrder } from "../../src/core/neuron-index.ts";
import { shortScores } from "../../src/pipeline/site/short-scores.ts";

const numbers = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(1 / 3)), {
  maxLength: 9,
});

it("fewer digits keep the order of all neurons, and which are tied", () => {
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const scores = { a, b };
      const short = shortScores(scores);
      const [before, after] = [scores, short].map((one) => Float64Array.from(Object.values(one).flat()));
      expect(suspicionOrder(after)).toEqual(suspicionOrder(before));
      for (const [i, x] of before.entries())
        for (const [j, y] of before.entries()) expect(after[i] === after[j]).toBe(x === y);
    }),
  );
  expect(shortScores({ a: [1 / 3, 2 / 3] })).toEqual({ a: [0.333333, 0.666667] });
  // Six digits would tie these two.
  expect(shortScores({ a: [1.0000001, 1.0000002] })).toEqual({ a: [1.0000001, 1.0000002] });
});
