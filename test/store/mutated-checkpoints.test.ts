import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recognise } from "../../src/tasks/classification/models/recognition/recognise.ts";
import { answer, changed, changes, FORMS } from "./mutated-checkpoints.ts";

describe.each(Object.entries(FORMS))("%s", (_, { bytes, file, name }) => {
  it("is read as it is", async () => {
    expect(await answer(file(bytes), name)).not.toBeNull();
  });

  it("changed anyhow is a state dict or one line", async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (all) => {
        const weights = await answer(file(changed(bytes, all)), name);
        if (weights) recognise(weights.tensors);
      }),
      { numRuns: 60 },
    );
  });
});
