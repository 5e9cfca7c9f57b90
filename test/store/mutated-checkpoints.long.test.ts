import fc from "fast-check";
import { describe, it } from "vitest";
import { answer, changed, changes, FORMS } from "./mutated-checkpoints.ts";

describe.each(Object.entries(FORMS))("%s", (_, { bytes, file, name }) => {
  it("with any one bit of its first bytes flipped is a state dict or one line", async () => {
    for (let at = 0; at < Math.min(bytes.length, 600); at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(bytes);
        flipped[at] ^= 1 << bit;
        await answer(file(flipped), name);
      }
    }
  });

  it("with any byte of its first bytes set to others is a state dict or one line", async () => {
    for (let at = 0; at < Math.min(bytes.length, 300); at++) {
      for (let value = 0; value < 256; value += 12) {
        const set = Uint8Array.from(bytes);
        set[at] = value;
        await answer(file(set), name);
      }
    }
  });

  it("cut anywhere is a state dict or one line", async () => {
    const step = Math.max(1, Math.floor(bytes.length / 600));
    for (let end = 0; end < bytes.length; end += step) await answer(file(bytes.subarray(0, end)), name);
  });

  it("changed anyhow is a state dict or one line", async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (all) => {
        await answer(file(changed(bytes, all)), name);
      }),
      { numRuns: 3_000 },
    );
  });
});
