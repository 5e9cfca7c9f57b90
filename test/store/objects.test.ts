import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { decodeContainer, encodeContainer } from "../../src/store/objects/container.ts";
import { modelSha256, putDelta, putHalfModel, putModel, readDelta, readModel } from "../../src/store/objects/models.ts";
import { ObjectStore, sha256Of } from "../../src/store/objects/objects.ts";
import { onGrid } from "../../src/tensor/half-grid.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { temporaryFolder } from "./temp.ts";

const dir = temporaryFolder();
const objects = new ObjectStore(join(dir, "objects"), join(dir, "tmp"));

function randomState(rows: number): StateDict {
  const data = Float32Array.from({ length: rows * 27 }, (_, i) => Math.sin(i * 12.9898) * 0.1);
  return new Map([
    ["conv.weight", { shape: [rows, 3, 3, 3], data }],
    ["bn.weight", { shape: [rows], data: new Float32Array(rows).fill(1) }],
  ]);
}

describe("container", () => {
  it("gives back any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("data", "delta"), async (bytes, purpose) => {
        const back = await decodeContainer(await encodeContainer(bytes, purpose as "data"), "o");
        expect(back.purpose).toBe(purpose);
        expect(Buffer.from(back.bytes)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("gives back a preface and 16-bit values of any length", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 300 }), async (preface, tail) => {
        const bytes = Buffer.concat([preface, tail.subarray(0, 2 * (tail.length >> 1))]);
        const { bytes: back } = await decodeContainer(await encodeContainer(bytes, "data", preface.length), "o");
        expect(Buffer.from(back)).toEqual(bytes);
      }),
    );
  });

  it("refuses halves that begin where there are none", async () => {
    const container = Buffer.from(await encodeContainer(new Uint8Array(21).fill(7), "data", 5));
    for (const from of [4, 22, 0xffff_ffff]) {
      container.writeUInt32LE(from, 16);
      await expect(decodeContainer(container, "o")).rejects.toThrow(
        `o: damaged object: its halves begin at byte ${from} of 21`,
      );
    }
    await expect(decodeContainer(container.subarray(0, 18), "o")).rejects.toThrow(/method or length/);
  });

  it.each([undefined, 4])(
    "answers damaged bytes with InputError or bytes, and never believes a giant length (%s)",
    async (halves) => {
      const container = await encodeContainer(new Uint8Array(5000).fill(7), "data", halves);
      const giant = Buffer.from(container);
      giant.writeBigUInt64LE(2n ** 62n, 8);
      await expect(decodeContainer(giant, "o")).rejects.toThrow(InputError);
      await fc.assert(
        fc.asyncProperty(fc.nat(container.length - 1), fc.nat(255), async (at, value) => {
          const damaged = container.slice();
          damaged[at] = value;
          await decodeContainer(damaged, "o").catch((error) => expect(error).toBeInstanceOf(InputError));
        }),
        { numRuns: 300 },
      );
    },
  );

  it("shrinks weights, and deltas of few changes far more", async () => {
    const weights = encodeState(randomState(400));
    expect((await encodeContainer(weights, "data")).length).toBeLessThan(0.95 * weights.length);
    expect((await encodeContainer(new Uint8Array(40_000), "delta")).length).toBeLessThan(400);
  });
});

describe("object store", () => {
  it("stores equal content once, under the hash of the stored bytes", async () => {
    const bytes = Buffer.from("the same bytes");
    const first = await objects.put(bytes);
    const second = await objects.put(bytes);
    expect(second).toEqual(first);
    expect(sha256Of(readFileSync(objects.path(first.object)))).toBe(first.object);
    expect(first.decoded_sha256).toBe(sha256Of(bytes));
    expect(readFileSync(objects.path(first.object)).length).toBe(first.bytes);
    expect(Buffer.from(await objects.read(first))).toEqual(bytes);
  });

  it("keeps a checkpoint apart from a model of the same bytes", async () => {
    const state = randomState(3);
    const model = await putModel(objects, state);
    const checkpoint = await putModel(objects, state, "checkpoint");
    expect(checkpoint.object).not.toBe(model.object);
    expect(checkpoint.decoded_sha256).toBe(model.decoded_sha256);
  });

  it("finds every flipped byte of a stored object, and heals it by storing again", async () => {
    const state = randomState(2);
    const ref = await putModel(objects, state);
    const path = objects.path(ref.object);
    const intact = readFileSync(path);
    for (let at = 0; at < intact.length; at++) {
      const damaged = Buffer.from(intact);
      damaged[at] ^= 0x10;
      writeFileSync(path, damaged);
      await expect(objects.open(ref.object)).rejects.toThrow(path);
    }
    await putModel(objects, state);
    expect(modelSha256(await readModel(objects, ref))).toBe(ref.decoded_sha256);
  });

  it("stores a model on the grid of half precision in half the bytes, under the hash of its floats", async () => {
    const state = randomState(300);
    await expect(putHalfModel(objects, state)).rejects.toThrow(/'conv.weight' holds .* off the grid/);
    const rounded = onGrid(state, "half");
    const [whole, half] = [await putModel(objects, rounded), await putHalfModel(objects, rounded)];
    expect(half.decoded_sha256).toBe(whole.decoded_sha256);
    expect(half.bytes).toBeLessThan(300 * 27 * 2 + 300);
    expect(encodeState(await readModel(objects, half))).toEqual(encodeState(rounded));
    const other = { ...half, decoded_sha256: modelSha256(state) };
    await expect(readModel(objects, other)).rejects.toThrow(/other bytes than its record states/);
  });

  it("stores a delta on the grid in half the bytes", async () => {
    const base = onGrid(randomState(200), "half");
    const state = cloneState(base);
    const { data } = state.get("conv.weight")!;
    for (let i = 0; i < 27 * 100; i++) data[i] *= 1 + (i % 7) / 8;
    const moved = onGrid(state, "half");
    const [whole, half] = [
      await putDelta(objects, base, moved),
      await putDelta(objects, base, moved, { grid: "half" }),
    ];
    expect(half.decoded_sha256).toBe(whole.decoded_sha256);
    expect(half.bytes).toBeLessThan(27 * 100 * 2);
    const rebuilt = await readDelta(objects, { state: base, sha256: modelSha256(base) }, half);
    expect(encodeState(rebuilt)).toEqual(encodeState(moved));
  });

  it("names a missing object and a reference to other bytes", async () => {
    const ref = await objects.put(Buffer.from("x"));
    await expect(objects.read({ ...ref, decoded_sha256: "0".repeat(64) })).rejects.toThrow(/other bytes/);
    await expect(objects.read({ ...ref, object: "ab".repeat(32) })).rejects.toThrow(/missing/);
  });

  it("stores a model as a delta that is small and rebuilds bit for bit", async () => {
    const base = randomState(200);
    const state = cloneState(base);
    const { data } = state.get("conv.weight")!;
    for (let i = 27 * 10; i < 27 * 12; i++) data[i] *= 1.01;
    new Uint32Array(state.get("bn.weight")!.data.buffer)[10] = 0x7fc00042;
    const ref = await putDelta(objects, base, state);
    expect(ref.bytes).toBeLessThan(2 * 27 * 4 + 300);
    const baseHash = modelSha256(base);
    const rebuilt = await readDelta(objects, { state: base, sha256: baseHash }, ref);
    expect(Buffer.compare(encodeState(rebuilt), encodeState(state))).toBe(0);

    const wrong = modelSha256(state);
    await expect(readDelta(objects, { state, sha256: wrong }, ref)).rejects.toThrow(/made against the model/);
    // A base that merely claims the right hash is found by the hash of the whole.
    await expect(readDelta(objects, { state: randomState(200), sha256: baseHash }, ref)).resolves.toBeDefined();
    const liar = randomState(200);
    liar.get("conv.weight")!.data[0] = 9;
    await expect(readDelta(objects, { state: liar, sha256: baseHash }, ref)).rejects.toThrow(/another model/);
  });
});
