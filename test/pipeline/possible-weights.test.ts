import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { assertPossible, constantChannels } from "../../src/pipeline/own/possible-weights.ts";

const nameOf = (name: string) => `module.${name}`;
const stateOf = (name: string, ...values: number[]) =>
  new Map([
    ["conv1.weight", { shape: [1], data: Float32Array.of(1e17) }],
    [name, { shape: [values.length], data: Float32Array.from(values) }],
  ]);

describe("a network's weights", () => {
  it.each([
    ["bn1.weight", Number.NaN, /holds NaN at index 1: no layer can compute with it; save weights from before/],
    ["linear.bias", Number.POSITIVE_INFINITY, /holds Infinity at index 1: no layer/],
    ["linear.weight", -3e38, /holds -3e\+38 at index 1: no layer/],
    ["bn1.running_var", -1, /holds -1 at index 1: no variance is negative/],
    ["bn1.running_var", 2e25, /holds 2e\+25 at index 1: no layer/],
  ])("%s of %d are refused by the file's own name of the tensor", (name, value, message) => {
    const check = () => assertPossible("x.pt", stateOf(name, 0.5, value), nameOf);
    expect(check).toThrow(InputError);
    expect(check).toThrow(message);
    expect(check).toThrow(`x.pt: 'module.${name}' `);
  });

  it("with constant channels are told of, and taken", () => {
    const state = stateOf("layer1.0.bn1.running_var", 0, 1, 0);
    assertPossible("x.pt", state, nameOf);
    expect(constantChannels("x.pt", state, nameOf)).toEqual([
      "x.pt: 2 channels have a variance of 0 ('module.layer1.0.bn1.running_var'): criteria that read weights may overrate them",
    ]);
    expect(constantChannels("x.pt", stateOf("bn1.running_var", 1e-9), nameOf)).toEqual([]);
  });
});
