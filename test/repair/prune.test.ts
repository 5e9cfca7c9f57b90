import { describe, expect, it } from "vitest";
import { maskNeurons } from "../../src/measure/mask.ts";
import { prune, spareOnePerLayer } from "../../src/repair/prune.ts";
import { REPAIRS } from "../../src/repair/registry.ts";
import { network, randomState, suspectOf } from "../localize/suspects.ts";

describe("prune", () => {
  it("kills exactly the named neurons in a copy", async () => {
    const suspect = suspectOf(randomState(1));
    const neurons = { conv1: [1], "layer3.1.conv2": [0, 7] };
    expect(await prune.repair(suspect, neurons)).toEqual(maskNeurons(network, suspect.state, neurons));
    expect(suspect.state).toEqual(randomState(1));
    expect(REPAIRS.get("prune")).toBe(prune);
  });

  it("leaves a layer its least suspicious channel", async () => {
    const all = { conv1: [0, 1, 2, 3], "layer1.0.conv1": [0, 1] };
    const scores = { conv1: [4, 2, 1, 3], "layer1.0.conv1": [0, 0, 0, 0] };
    expect(spareOnePerLayer(network, all, scores)).toEqual({ conv1: [0, 1, 3], "layer1.0.conv1": [0, 1] });
    expect(spareOnePerLayer(network, all)).toEqual({ conv1: [0, 1, 2], "layer1.0.conv1": [0, 1] });
    const repaired = await prune.repair(suspectOf(randomState(2)), all, scores);
    expect([...repaired.get("bn1.weight")!.data].map((gamma) => gamma !== 0)).toEqual([false, false, true, false]);
    expect(all.conv1).toEqual([0, 1, 2, 3]);
  });
});
