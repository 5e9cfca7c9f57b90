import { expect, it } from "vitest";
import { alignedArrays } from "../../src/engine/aligned.ts";

it("gives arrays of zeros that begin at lines of the cache and share nothing", () => {
  const lengths = [1, 16, 0, 17, 100_000];
  const arrays = alignedArrays(lengths);
  expect(arrays.map(({ length }) => length)).toEqual(lengths);
  for (const array of arrays) {
    expect(array.byteOffset % 64).toBe(0);
    expect(array.every((value) => value === 0)).toBe(true);
  }
  for (const [i, array] of arrays.entries()) array.fill(i + 1);
  for (const [i, array] of arrays.entries()) expect(array.every((value) => value === i + 1)).toBe(true);
});
