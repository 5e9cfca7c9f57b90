import { expect, it } from "vitest";

it("arrays are equal by what they hold, inside of others too", () => {
  const array = (...values: number[]) => Float32Array.from(values);
  expect(array(1, Number.NaN)).toEqual(array(1, Number.NaN));
  expect(new Map([["a", { data: array(1, 2) }]])).toEqual(new Map([["a", { data: array(1, 2) }]]));
  expect(new Map([["a", { data: array(1, 2) }]])).not.toEqual(new Map([["a", { data: array(1, 3) }]]));
  expect(array(1, 2)).not.toEqual(array(1, 2, 3));
  expect(array(1)).not.toEqual(Int32Array.from(new Int32Array(array(1).buffer)));
  expect(Uint8Array.from([1, 2, 3]).subarray(1)).toEqual(Uint8Array.from([2, 3]));
});
