import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/hash.ts";
import { resizePicture } from "../../src/pictures/resize.ts";
import { pattern } from "../datasets/pictures.ts";

const SIDE = { height: 32, width: 32 };

function resized(width: number, height: number): Uint8Array {
  const out = new Uint8Array(3072);
  resizePicture(pattern(width, height), SIDE, out, 0);
  return out;
}

describe("resizePicture", () => {
  // SHA-256 of what Pillow 9.4 makes of the same pattern (BILINEAR, to 32×32), channel-major.
  it.each([
    [47, 29, "993742a4f6dfa1db0dae03e8a76411658a8032d36eeed8cf5742cfb42e397468"],
    [20, 61, "33372b7a9357d6ddb11e9e6a72a061d777a4cbfd373cffc94b160de4308c43b7"],
    [32, 32, "165125e84e9e4e793b804357cd7af02bedec2f97a3980056f9cbe86065267be1"],
    [32, 80, "fcbaf86f7a841a08e073ae2e63100e1e5a3cf14cad273ecb105babec7b88963f"],
    [5, 3, "f0ad94663a00a0e1541c4df2f294e3d08034303217282f50c2c4297782bc4986"],
    [250, 200, "a8d4177750d5a54956cca354dc2c873b2ba5688992bb50b5bc812b3802ddb006"],
    [1, 1, "16d955968ad87c671a5ce0534ba17b3163cde53167b3dc6c27c23c50e6d601cd"],
  ])("gives Pillow's bytes for %i×%i", (width, height, sha256) => {
    expect(sha256Hex(resized(width, height))).toBe(sha256);
  });

  it("averages when halving: the triangle spans both neighbours", () => {
    const width = 64;
    const rgb = new Uint8Array(3 * width * width);
    // Columns alternate between 0 and 200: a filter without antialiasing would keep the stripes.
    for (let i = 0; i < rgb.length; i += 6) rgb.fill(200, i, i + 3);
    const out = new Uint8Array(3072);
    resizePicture({ width, height: width, rgb }, SIDE, out, 0);
    for (let x = 1; x < 31; x++) expect(Math.abs(out[5 * 32 + x] - 100)).toBeLessThanOrEqual(1);
  });

  it("stretches each axis by its own scale", () => {
    const size = { height: 9, width: 25 };
    const picture = pattern(100, 45);
    const out = new Uint8Array(3 * size.height * size.width);
    resizePicture(picture, size, out, 0);
    const weights = (from: number, to: number, i: number) => {
      const raw = Array.from({ length: from }, (_, j) =>
        Math.max(0, 1 - Math.abs(j + 0.5 - (i + 0.5) * (from / to)) / (from / to)),
      );
      const sum = raw.reduce((a, b) => a + b);
      return raw.map((weight) => weight / sum);
    };
    for (let y = 0; y < size.height; y++) {
      const down = weights(picture.height, size.height, y);
      for (let x = 0; x < size.width; x++) {
        const across = weights(picture.width, size.width, x);
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let v = 0; v < picture.height; v++)
            for (let u = 0; u < picture.width; u++)
              sum += down[v] * across[u] * picture.rgb[(v * picture.width + u) * 3 + c];
          expect(Math.abs(out[(c * size.height + y) * size.width + x] - sum)).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  it("writes at the offset and nowhere else", () => {
    const out = new Uint8Array(3 * 3072).fill(7);
    resizePicture(pattern(40, 50), SIDE, out, 3072);
    expect(out.subarray(3072, 6144)).toEqual(resized(40, 50));
    expect([...out.subarray(0, 3072), ...out.subarray(6144)].every((value) => value === 7)).toBe(true);
  });
});
