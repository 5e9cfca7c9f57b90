import { expect, it } from "vitest";
import { readTorchPickle } from "../../src/tensor/torch-checkpoint.ts";
import { P } from "./pickle-bytes.ts";

it("a pickle is refused: more objects, or more on a stack or in a memo, than can be read", () => {
  // EMPTY_TUPLE; DUP and MEMOIZE of a number.
  for (const [opcode, count] of [
    [0x29, 4_000_001],
    [0x32, 8_000_001],
    [0x94, 8_000_001],
  ]) {
    const file = new Uint8Array(6 + count).fill(opcode);
    file.set([0x80, 4, 0x4b, 1, 0x94]);
    file[file.length - 1] = P.stop[0];
    expect(() => readTorchPickle(file, "x.pt")).toThrow(
      "x.pt: refused as a pickle: it holds more values than can be read",
    );
  }
});
