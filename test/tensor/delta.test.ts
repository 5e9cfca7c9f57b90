import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { applyDelta, changedRows, type DeltaMode, deltaRows, encodeDelta } from "../../src/tensor/delta.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";

const BASE = "a".repeat(64);
const OTHER = "b".repeat(64);
const MODES: DeltaMode[] = ["plain", "xor"];

/** Any 32 bits, with the awkward ones often: zeros of both signs, infinities, NaNs with payloads. */
const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fc01234, 0xffffffff, 0x7f800001),
);

function floats(words: number[]): Float32Array {
  return new Float32Array(new Uint32Array(words).buffer);
}

const shape = fc.oneof(
  fc.constant([]),
  fc.tuple(fc.integer({ min: 0, max: 6 })),
  fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), fc.constant(2)),
);

const tensor = shape.chain((dims) => {
  const size = (dims as number[]).reduce((product, n) => product * n, 1);
  return fc
    .array(word, { minLength: size, maxLength: size })
    .map((words) => ({ shape: [...dims], data: floats(words) }));
});

/** A state and a copy of it with some words changed. */
const statePair = fc
  .tuple(
    fc.array(tensor, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), word), { maxLength: 8 }),
  )
  .map(([tensors, edits]) => {
    const base: StateDict = new Map(tensors.map((t, i) => [`layer${i}.weight`, t]));
    const state = cloneState(base);
    for (const [which, at, bits] of edits) {
      const { data } = state.get(`layer${which % tensors.length}.weight`)!;
      if (data.length > 0) new Uint32Array(data.buffer)[at % data.length] = bits;
    }
    return { base, state };
  });

describe("delta", () => {
  it.each(MODES)("rebuilds every bit (%s)", (mode) => {
    fc.assert(
      fc.property(statePair, ({ base, state }) => {
        const before = encodeState(base);
        const rebuilt = applyDelta(base, BASE, encodeDelta(base, BASE, state, mode), "d");
        expect(Buffer.compare(encodeState(rebuilt), encodeState(state))).toBe(0);
        expect(Buffer.compare(encodeState(base), before)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("names exactly the rows whose bits differ", () => {
    const base: StateDict = new Map([
      ["w", { shape: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) }],
      ["g", { shape: [3], data: floats([0, 0x7fc00001, 5]) }],
      ["s", { shape: [], data: new Float32Array([1]) }],
      ["same", { shape: [2], data: new Float32Array([Number.NaN, 1]) }],
    ]);
    const state = cloneState(base);
    state.get("w")!.data[5] = 7;
    new Uint32Array(state.get("g")!.data.buffer).set([0x80000000, 0x7fc00002]);
    state.get("s")!.data[0] = 2;
    const expected = { w: [2], g: [0, 1], s: [0] };
    expect(changedRows(base, state)).toEqual(expected);
    expect(deltaRows(encodeDelta(base, BASE, state, "xor"), "d")).toEqual(expected);
  });

  it("grows with the changed rows, not with the model", () => {
    const big: StateDict = new Map([["w", { shape: [1000, 100], data: new Float32Array(100_000) }]]);
    const state = cloneState(big);
    state.get("w")!.data.fill(1, 300, 500);
    expect(encodeDelta(big, BASE, state, "plain").length).toBeLessThan(2 * 400 + 200);
  });

  it.each(MODES)("refuses another base (%s)", (mode) => {
    fc.assert(
      fc.property(statePair, ({ base, state }) => {
        const delta = encodeDelta(base, BASE, state, mode);
        expect(() => applyDelta(base, OTHER, delta, "d")).toThrow(/^d: made against the model aaaa/);
      }),
      { numRuns: 20 },
    );
  });

  it("refuses states of different networks", () => {
    const one: StateDict = new Map([["w", { shape: [2], data: new Float32Array(2) }]]);
    const renamed: StateDict = new Map([["v", { shape: [2], data: new Float32Array(2) }]]);
    const reshaped: StateDict = new Map([["w", { shape: [2, 1], data: new Float32Array(2) }]]);
    expect(() => changedRows(one, renamed)).toThrow(/keys/);
    expect(() => changedRows(one, reshaped)).toThrow(/shapes/);
  });

  it("answers damaged bytes with InputError or a state, nothing else", () => {
    const base: StateDict = new Map([["w", { shape: [4, 2], data: new Float32Array(8) }]]);
    const state = cloneState(base);
    state.get("w")!.data[3] = 1;
    const delta = encodeDelta(base, BASE, state, "xor");
    const damaged = fc
      .array(fc.tuple(fc.nat(delta.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
      .map((edits) => {
        const bytes = delta.slice();
        for (const [at, value] of edits) bytes[at] = value;
        return bytes;
      });
    const cut = fc.nat(delta.length - 1).map((length) => delta.slice(0, length));
    fc.assert(
      fc.property(fc.oneof(damaged, cut, fc.uint8Array()), (bytes) => {
        try {
          applyDelta(base, BASE, bytes, "d");
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
