import { expect, it } from "vitest";
import { fillSlice, readSlice, type Slice, sliceSize, writeSlice } from "../../src/tensor/slices.ts";

const SHAPE = [2, 3, 2, 1];
const state = () => new Map([["w", { shape: SHAPE, data: Float32Array.from({ length: 12 }, (_, i) => i) }]]);
const at = (axis: number, index: number): Slice => ({ key: "w", axis, index });

it.each<[Slice, number[]]>([
  [at(0, 1), [6, 7, 8, 9, 10, 11]],
  [at(1, 2), [4, 5, 10, 11]],
  [at(2, 0), [0, 2, 4, 6, 8, 10]],
])("reads, writes and fills the numbers at one index along one axis: %j", (slice, expected) => {
  const before = state();
  expect([...readSlice(before, slice)]).toEqual(expected);
  expect(sliceSize(SHAPE, slice.axis)).toBe(expected.length);
  const written = state();
  writeSlice(
    written,
    slice,
    readSlice(written, slice).map((v) => -v - 1),
  );
  const inside = new Set(expected);
  expect([...written.get("w")!.data]).toEqual([...before.get("w")!.data].map((v) => (inside.has(v) ? -v - 1 : v)));
  fillSlice(written, slice, 7);
  expect([...written.get("w")!.data]).toEqual([...before.get("w")!.data].map((v) => (inside.has(v) ? 7 : v)));
});

it("refuses an index or an axis that the tensor lacks", () => {
  expect(() => readSlice(state(), at(0, 2))).toThrow("'w' has no index 2 along axis 0");
  expect(() => fillSlice(state(), at(4, 0), 0)).toThrow("'w' has no index 0 along axis 4");
  expect(() => readSlice(state(), { ...at(0, 0), key: "v" })).toThrow("v");
});
