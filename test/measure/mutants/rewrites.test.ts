import { describe, expect, it } from "vitest";
import { type Mutant, PER_CHANNEL } from "../../../src/localize/deepmufl/mutants.ts";
import { createRunner } from "../../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { classification } from "../../../src/tasks/classification/task.ts";
import { tensorOf } from "../../../src/tensor/state.ts";
import { randomState } from "../../graph/programs.ts";
import { mixedNetwork } from "../../localize/slicer/networks.ts";
import { bySuffix, noise, normalization, testMutants } from "./by-suffix.ts";

// Architectures at a width that is lowered plainly, one that is blocked, and one with maps of odd sides. GoogLeNet, whose branches take
// their time, is in `rewrites.long.test.ts`.
testMutants([
  [buildNetwork("resnet18w4", 10), 1, 5, 1, 3],
  [buildNetwork("vgg13w4", 10), 1, 5, 1, 4],
  [buildNetwork("vgg16w4", 7), 1, 5, 1, 4],
  [buildNetwork("resnet18w16", 10), 1, 3, 1, 1],
  [mixedNetwork(5, 3), 1, 150, 1, PER_CHANNEL],
]);

describe("rewrites", () => {
  it("leave out images in which the channel stays as it is", async () => {
    const network = mixedNetwork(5, 3);
    const state = randomState(network, 6);
    // Off, and a shift's half or double keeps it off.
    tensorOf(state, "a.1.bn.bias").data[2] = -1000;
    const runner = await createRunner(classification, network, normalization, { threads: 1 });
    const off: Mutant = { unit: "a.1", channel: 2, parameter: "shift", operator: "*2" };
    const { found, base, visits } = await bySuffix(runner, state, noise(6, 5), [off]);
    await runner.release();
    expect(visits).toBe(0);
    expect(found[0]).toEqual(base);
  });
});
