import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { decodeNpy, encodeNpy } from "../../src/tensor/npy.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";

describe("npy", () => {
  it("gives back what it wrote", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(255), fc.bigInt(-(2n ** 53n), 2n ** 53n))), (pairs) => {
        const bytes = Uint8Array.from(pairs, ([byte]) => byte);
        const whole = BigInt64Array.from(pairs, ([, value]) => value);
        const [a, b] = [encodeNpy(bytes, [1, pairs.length, 1]), encodeNpy(whole, [pairs.length])];
        expect(decodeNpy(a, "a")).toEqual({ descr: "|u1", shape: [1, pairs.length, 1], values: bytes });
        expect(decodeNpy(b, "b")).toEqual({
          descr: "<i8",
          shape: [pairs.length],
          values: Float64Array.from(whole, Number),
        });
        // Where it lies in memory is of no matter.
        const shifted = new Uint8Array(b.length + 3);
        shifted.set(b, 3);
        expect(decodeNpy(shifted.subarray(3), "b")).toEqual(decodeNpy(b, "b"));
      }),
    );
  });

  it("refuses whatever is cut, changed in its header, or no array, in one line", () => {
    const file = encodeNpy(Uint8Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const header = Buffer.from(file).toString("latin1");
    const changed = (from: string, to: string) => Buffer.from(header.replace(from, to.padEnd(from.length)), "latin1");
    const bad: [Uint8Array, RegExp][] = [
      ...Array.from({ length: file.length }, (_, n): [Uint8Array, RegExp] => [file.subarray(0, n), /x\.npy: not a/]),
      [Buffer.concat([file, Buffer.of(0)]), /7 bytes of data/],
      [changed("(2, 3)", "(2, 9)"), /do not fill/],
      [changed("(2, 3)", "(-2,-3"), /not understood/],
      [changed("'|u1'", "'|O' "), /holds \|O/],
      [changed("'|u1'", "'<f2'"), /holds <f2/],
      [changed("'|u1'", "'|b1'"), /holds \|b1/],
      [changed("False", "True "), /Fortran/],
      [changed("False", "other"), /not understood/],
      [Buffer.from("<!DOCTYPE html><html></html>"), /does not begin/],
      [Buffer.from(`\x93NUMPY\x02\x00\xff\xff\xff\xff${"x".repeat(80)}`, "latin1"), /goes beyond/],
    ];
    for (const [bytes, message] of bad) {
      expect(() => decodeNpy(bytes, "x.npy")).toThrow(InputError);
      expect(() => decodeNpy(bytes, "x.npy")).toThrow(message);
    }
  });

  it.skipIf(!findTorchPython())("reads what numpy writes, in every type and byte order", () => {
    const dir = temporaryFolder();
    const types = ["u1", "i1", "<u2", ">u2", "<i2", "<u4", ">i4", "<u8", "<i8", ">i8", "<f4", ">f4", "<f8", ">f8"];
    const script = `
import sys, numpy as np
for i, kind in enumerate(sys.argv[2:]):
    np.save(sys.argv[1] + "/%d.npy" % i, (np.arange(6).reshape(2, 3) * (0.5 if "f" in kind else 1)).astype(kind))
np.save(sys.argv[1] + "/scalar.npy", np.uint8(7))`;
    execFileSync(findTorchPython()!.command, ["-c", script, dir, ...types]);
    for (const [i, type] of types.entries()) {
      const { shape, values } = decodeNpy(readFileSync(join(dir, `${i}.npy`)), type);
      expect(shape, type).toEqual([2, 3]);
      expect([...values], type).toEqual([0, 1, 2, 3, 4, 5].map((n) => (type.includes("f") ? n / 2 : n)));
    }
    expect(decodeNpy(readFileSync(join(dir, "scalar.npy")), "scalar").shape).toEqual([]);
  });
});
