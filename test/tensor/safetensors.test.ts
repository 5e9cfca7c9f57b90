import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { decodeState, decodeTensors, encodeState, encodeTensors } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";

/** A file with any header text over `data` bytes. */
function fileOf(header: string, data = new Uint8Array(0), length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

const oneTensor = (fields: object) =>
  fileOf(JSON.stringify({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields } }), new Uint8Array(8));

describe("safetensors", () => {
  it("has the published layout", () => {
    const bytes = encodeState(new Map([["a.b", { shape: [2, 1], data: new Float32Array([1, -2]) }]]));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(JSON.parse(header)).toEqual({ "a.b": { dtype: "F32", shape: [2, 1], data_offsets: [0, 8] } });
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it("gives back every bit and the order, for any tensors", () => {
    const tensor = fc.uint8Array({ maxLength: 40 }).map((raw) => {
      const bytes = raw.slice(0, raw.length - (raw.length % 4));
      return { shape: [bytes.length / 4], data: new Float32Array(bytes.buffer, 0, bytes.length / 4) };
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string().filter((s) => s !== "__metadata__" && s !== "__proto__")),
        fc.infiniteStream(tensor),
        (names, stream) => {
          const state: StateDict = new Map(names.map((name) => [name, stream.next().value]));
          const file = encodeState(state);
          const back = decodeState(file, "f");
          expect(new Set(back.keys())).toEqual(new Set(names));
          for (const [name, { shape, data }] of state) {
            expect(back.get(name)!.shape).toEqual(shape);
            expect(Buffer.from(back.get(name)!.data.buffer)).toEqual(Buffer.from(data.slice().buffer));
          }
          expect(encodeState(state)).toEqual(file);
        },
      ),
    );
  });

  it("keeps NaN payloads and the sign of zero", () => {
    const data = new Float32Array(new Uint32Array([0x7fc01234, 0x80000000, 0xff800001]).buffer);
    const back = decodeState(encodeState(new Map([["x", { shape: [3], data }]])), "f").get("x")!.data;
    expect([...new Uint32Array(back.buffer, back.byteOffset, 3)]).toEqual([0x7fc01234, 0x80000000, 0xff800001]);
  });

  it("reads headers of any length, out of Node's buffers too, and gives copies", () => {
    for (let pad = 0; pad < 8; pad++) {
      const header = JSON.stringify({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }) + " ".repeat(pad);
      const values = new Uint8Array(Float32Array.of(1.5, -2).buffer);
      const file = Buffer.from(fileOf(header, values));
      const { data } = decodeState(file, "x").get("w")!;
      file.fill(0);
      expect([...data], `${pad} spaces`).toEqual([1.5, -2]);
    }
  });

  it("reads I64 as numbers", () => {
    const bytes = new Uint8Array(new BigInt64Array([7n, -3n]).buffer);
    const file = encodeTensors(new Map([["n", { dtype: "I64", shape: [2], bytes }]]));
    expect([...decodeState(file, "f").get("n")!.data]).toEqual([7, -3]);
  });

  it.each([
    ["an empty file", new Uint8Array(0)],
    ["a huge header length", fileOf("{}", undefined, 2n ** 63n)],
    ["a header length beyond the end", fileOf("{}", undefined, 3n)],
    ["text that is not JSON", fileOf("{,}")],
    ["a header that is an array", fileOf("[]")],
    ["a tensor that is null", fileOf('{"w":null}')],
    ["an unknown type", oneTensor({ dtype: "F8" })],
    ["a type from the prototype", oneTensor({ dtype: "constructor" })],
    ["a negative shape", oneTensor({ shape: [-2] })],
    ["a fractional shape", oneTensor({ shape: [1.5] })],
    ["a shape too large for its bytes", oneTensor({ shape: [3] })],
    ["a shape that overflows", oneTensor({ shape: [2 ** 52, 2 ** 52] })],
    ["offsets beyond the end", oneTensor({ shape: [4], data_offsets: [0, 16] })],
    ["offsets backwards", oneTensor({ data_offsets: [8, 0] })],
    ["a gap", oneTensor({ shape: [1], data_offsets: [4, 8] })],
    ["bytes of no tensor", oneTensor({ shape: [1], data_offsets: [0, 4] })],
    [
      "overlapping tensors",
      fileOf(
        JSON.stringify({
          a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
          b: { dtype: "F32", shape: [1], data_offsets: [4, 8] },
        }),
        new Uint8Array(8),
      ),
    ],
  ])("refuses %s", (_, file) => {
    expect(() => decodeTensors(file, "model.safetensors")).toThrow(InputError);
    expect(() => decodeTensors(file, "model.safetensors")).toThrow(/^model\.safetensors: /);
  });

  it("answers any garbage with InputError or tensors, nothing else", () => {
    const valid = encodeState(new Map([["w", { shape: [3], data: new Float32Array([1, 2, 3]) }]]));
    const damaged = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((edits) => {
        const file = valid.slice();
        for (const [at, value] of edits) file[at] = value;
        return file;
      });
    const header = fc.json().map((text) => fileOf(text, new Uint8Array(16)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged, header), (file) => {
        try {
          decodeTensors(file, "f");
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
