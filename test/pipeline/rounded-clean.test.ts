import { expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { roundedClean } from "../../src/pipeline/build/clean-stage.ts";
import type { StateDict } from "../../src/tensor/state.ts";

const stateOf = (value: number): StateDict =>
  new Map([["bn1.running_var", { shape: [2], data: Float32Array.of(0.1, value) }]]);

it("a trained model is rounded to its edition's grid, and refused where it goes beyond it", () => {
  expect([...roundedClean(stateOf(2), "clean/x", "half").get("bn1.running_var")!.data]).toEqual([0.0999755859375, 2]);
  const far = stateOf(70_000);
  expect(roundedClean(far, "clean/x", undefined)).toBe(far);
  const refused = () => roundedClean(far, "clean/x", "half");
  expect(refused).toThrow(InputError);
  expect(refused).toThrow(
    /^clean\/x: 'bn1.running_var' holds 70000, and the grid 'half' ends at 65504; leave 'grid' out/,
  );
});
