import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { changedRows } from "../../src/tensor/changes.ts";
import { applyDelta, type DeltaMode, deltaDataStart, deltaRows, encodeDelta } from "../../src/tensor/delta.ts";
import { halfToNumber } from "../../src/tensor/narrow-floats.ts";
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

const tensorOf = (values: typeof word) =>
  shape.chain((dims) => {
    const size = (dims as number[]).reduce((product, n) => product * n, 1);
    return fc
      .array(values, { minLength: size, maxLength: size })
      .map((words) => ({ shape: [...dims], data: floats(words) }));
  });
const tensor = tensorOf(word);

/** A state and a copy of it with some words changed. */
const statePair = pairOf(tensor, word);

function pairOf(tensors: typeof tensor, values: typeof word) {
  return fc
    .tuple(
      fc.array(tensors, { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(), values), { maxLength: 8 }),
    )
    .map(([made, edits]) => editedPair(made, edits));
}

function editedPair(tensors: { shape: number[]; data: Float32Array }[], edits: [number, number, number][]) {
  const base: StateDict = new Map(tensors.map((t, i) => [`layer${i}.weight`, t]));
  const state = cloneState(base);
  for (const [which, at, bits] of edits) {
    const { data } = state.get(`layer${which % tensors.length}.weight`)!;
    if (data.length > 0) new Uint32Array(data.buffer)[at % data.length] = bits;
  }
  return { base, state };
}

/** Bits of a value on the grid of half precision: of any finite half, the smallest and both zeros often. */
const gridWord = fc
  .oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x7bff, 0xfbff))
  .filter((bits) => (bits & 0x7c00) !== 0x7c00)
  .map((bits) => new Uint32Array(Float32Array.of(halfToNumber(bits)).buffer)[0]);

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

  it.each(MODES)("rebuilds every bit from two bytes a value on the grid of half precision (%s)", (mode) => {
    fc.assert(
      fc.property(pairOf(tensorOf(gridWord), gridWord), ({ base, state }) => {
        const delta = encodeDelta(base, BASE, state, mode, { grid: "half" });
        const values = Object.entries(changedRows(base, state)).reduce((sum, [key, rows]) => {
          const { shape: dims, data } = state.get(key)!;
          return sum + (rows.length * data.length) / (dims[0] ?? 1);
        }, 0);
        expect(delta.length - deltaDataStart(delta, "d")).toBe(2 * values);
        expect(Buffer.compare(encodeState(applyDelta(base, BASE, delta, "d")), encodeState(state))).toBe(0);
        // Neither a view of a Buffer nor the delta itself may be written into.
        const buffer = Buffer.from(delta);
        expect(Buffer.compare(encodeState(applyDelta(base, BASE, buffer, "d")), encodeState(state))).toBe(0);
        expect(Buffer.compare(buffer, delta)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("writes nothing off the grid as halves, and reads none onto such a base", () => {
    const base: StateDict = new Map([["w", { shape: [2], data: new Float32Array([0.5, 0.25]) }]]);
    const state = cloneState(base);
    state.get("w")!.data[1] = 0.1;
    expect(() => encodeDelta(base, BASE, state, "plain", { grid: "half" })).toThrow(/'w' is off the grid/);
    state.get("w")!.data[1] = 0.75;
    const delta = encodeDelta(base, BASE, state, "xor", { grid: "half" });
    base.get("w")!.data[1] = 0.1;
    expect(() => applyDelta(base, BASE, delta, "d")).toThrow(/^d: row 1 of 'w' is off its base's grid/);
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

  it("clears columns at a few bytes each, and rebuilds whatever else differs", () => {
    const shapes = { shape: [6, 5, 2, 2], data: new Float32Array(120) };
    const values = fc.array(word, { minLength: 120, maxLength: 120 });
    const columns = fc.uniqueArray(fc.nat(4), { maxLength: 5 }).map((list) => list.sort((a, b) => a - b));
    const edits = fc.array(fc.tuple(fc.nat(119), word), { maxLength: 3 });
    fc.assert(
      fc.property(values, columns, edits, fc.constantFrom(...MODES), (words, cleared, changes, mode) => {
        const base: StateDict = new Map([["w", { ...shapes, data: floats(words) }]]);
        const state = cloneState(base);
        const bits = new Uint32Array(state.get("w")!.data.buffer);
        for (const i of bits.keys()) if (cleared.includes((i >> 2) % 5)) bits[i] = 0;
        for (const [at, value] of changes) bits[at] = value;
        const delta = encodeDelta(base, BASE, state, mode, { cleared: { w: cleared } });
        expect(Buffer.compare(encodeState(applyDelta(base, BASE, delta, "d")), encodeState(state))).toBe(0);
        // Only rows that were edited are given.
        const edited = new Set(changes.map(([at]) => Math.floor(at / 20)));
        expect((deltaRows(delta, "d").w ?? []).every((row) => edited.has(row))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it.each(MODES)("clears columns on the grid of half precision too (%s)", (mode) => {
    const data = Float32Array.from({ length: 24 }, (_, i) => (i - 12) / 8);
    const base: StateDict = new Map([["w", { shape: [4, 3, 2], data }]]);
    const state = cloneState(base);
    for (const i of data.keys()) if ((i >> 1) % 3 === 1) state.get("w")!.data[i] = 0;
    state.get("w")!.data[0] = 0.5;
    const delta = encodeDelta(base, BASE, state, mode, { grid: "half", cleared: { w: [1] } });
    expect(deltaRows(delta, "d")).toEqual({ w: [0] });
    expect(Buffer.compare(encodeState(applyDelta(base, BASE, delta, "d")), encodeState(state))).toBe(0);
  });

  it("refuses to clear what the model does not have", () => {
    const base: StateDict = new Map([
      ["w", { shape: [2, 2], data: new Float32Array(4).fill(1) }],
      ["v", { shape: [2], data: new Float32Array(2).fill(1) }],
    ]);
    const state = cloneState(base);
    const delta = encodeDelta(base, BASE, state, "plain", { cleared: { w: [1] } });
    const changed = (from: string, to: string) => {
      const text = Buffer.from(delta).toString("latin1");
      expect(text).toContain(from);
      return Buffer.from(text.replace(from, to), "latin1");
    };
    const apply = (bytes: Uint8Array) => () => applyDelta(base, BASE, bytes, "d");
    expect(apply(changed('"w":[1]}', '"w":[2]}'))).toThrow(/^d: column 2 of 'w' is out of range$/);
    expect(apply(changed('"w":[1]}', '"v":[1]}'))).toThrow(/^d: column 1 of 'v' is out of range$/);
    expect(apply(changed('"w":[1]}', '"u":[1]}'))).toThrow(/^d: clears 'u', which the model does not have$/);
    expect(apply(changed('"w":[1]}', '"w":{1}}'))).toThrow(InputError);
    expect(apply(changed('"cleared":{"w":[1]}', '"cleared":"w" '.padEnd(19)))).toThrow(/not a delta of format/);
  });

  it.each(MODES)("writes columns at their own size, after the rows that differ besides (%s)", (mode) => {
    const shapes = [
      { shape: [6, 5], data: new Float32Array(30) },
      { shape: [3, 5, 2], data: new Float32Array(30) },
    ];
    const values = fc.array(word, { minLength: 30, maxLength: 30 });
    const columns = fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 5 }).map((list) => list.sort((a, b) => a - b));
    const edits = fc.array(fc.tuple(fc.nat(29), word), { maxLength: 2 });
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        values,
        values,
        columns,
        edits,
        ({ shape }, words, others, own, changes) => {
          const base: StateDict = new Map([["w", { shape, data: floats(words) }]]);
          const state = cloneState(base);
          const bits = new Uint32Array(state.get("w")!.data.buffer);
          const taps = shape[2] ?? 1;
          const isOwn = (i: number) => own.includes(Math.floor(i / taps) % 5);
          for (const i of bits.keys()) if (isOwn(i)) bits[i] = others[i];
          for (const [at, value] of changes) bits[at] = value;
          const delta = encodeDelta(base, BASE, state, mode, { columns: { w: own } });
          expect(Buffer.compare(encodeState(applyDelta(base, BASE, delta, "d")), encodeState(state))).toBe(0);
          const rows = deltaRows(delta, "d").w ?? [];
          const size = 30 / shape[0];
          const outside = changes.filter(([at]) => !isOwn(at)).map(([at]) => Math.floor(at / size));
          expect(rows.every((row) => outside.includes(row))).toBe(true);
          expect(delta.length - deltaDataStart(delta, "d")).toBeLessThanOrEqual(
            4 * (rows.length * size + own.length * shape[0] * taps),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it("names columns only where some differ, so that other deltas keep their bytes", () => {
    const base: StateDict = new Map([["w", { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) }]]);
    const state = cloneState(base);
    expect(encodeDelta(base, BASE, state, "xor", { columns: { w: [1] } })).toEqual(
      encodeDelta(base, BASE, state, "xor"),
    );
    state.get("w")!.data[3] = 5;
    const delta = encodeDelta(base, BASE, state, "plain", { columns: { w: [0, 1] } });
    expect(deltaRows(delta, "d")).toEqual({});
    expect(changedRows(base, state, { w: [1] })).toEqual({});
    expect(changedRows(base, state, { w: [0, 7] })).toEqual({ w: [1] });
    const edited = (from: string, to: string) =>
      Buffer.from(Buffer.from(delta).toString("latin1").replace(from, to), "latin1");
    const apply = (bytes: Uint8Array) => () => applyDelta(base, BASE, bytes, "d");
    expect(Buffer.from(delta).toString("latin1")).toContain('"columns":{"w":[1]}');
    expect(apply(edited('{"w":[1]}', '{"w":[2]}'))).toThrow(/^d: column 2 of 'w' is out of range$/);
    expect(apply(edited('{"w":[1]}', '{"v":[1]}'))).toThrow(/^d: changes 'v', which the model does not have$/);
    expect(apply(edited('{"w":[1]}', '{"w":1}  '))).toThrow(/not a delta of format/);
    expect(apply(delta.slice(0, -4))).toThrow(/^d: column 1 of 'w' is out of range$/);
    expect(() => encodeDelta(base, BASE, state, "plain", { columns: { v: [0] } })).toThrow(/'v'/);
  });

  it.each(MODES)("writes columns on the grid of half precision (%s)", (mode) => {
    const data = Float32Array.from({ length: 24 }, (_, i) => (i - 12) / 8);
    const base: StateDict = new Map([["w", { shape: [4, 6], data }]]);
    const state = cloneState(base);
    for (let row = 0; row < 4; row++) state.get("w")!.data[6 * row + 2] = row / 4;
    const delta = encodeDelta(base, BASE, state, mode, { grid: "half", columns: { w: [2] } });
    expect(delta.length - deltaDataStart(delta, "d")).toBe(2 * 4);
    expect(Buffer.compare(encodeState(applyDelta(base, BASE, delta, "d")), encodeState(state))).toBe(0);
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

  it.each([undefined, "half"] as const)(
    "answers damaged bytes with InputError or a state, nothing else (%s)",
    (grid) => {
      const base: StateDict = new Map([["w", { shape: [4, 2], data: new Float32Array(8) }]]);
      const state = cloneState(base);
      state.get("w")!.data[3] = 1;
      const delta = encodeDelta(base, BASE, state, "xor", { grid });
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
    },
  );
});
