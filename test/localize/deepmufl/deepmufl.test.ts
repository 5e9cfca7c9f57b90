import { afterAll, describe, expect, it } from "vitest";
import { highest } from "../../../src/core/argmax.ts";
import { indexNeurons, topK } from "../../../src/core/neuron-index.ts";
import { Random } from "../../../src/core/random.ts";
import { type Network, neuronLayers } from "../../../src/graph/network.ts";
import { indicesOutside, subset } from "../../../src/images/batch.ts";
import type { ImageSet } from "../../../src/images/image-set.ts";
import { asImages } from "../../../src/images/image-set.ts";
import { brokenTests } from "../../../src/localize/broken-tests.ts";
import { deepmufl } from "../../../src/localize/criteria/deepmufl.ts";
import { deepmuflReversed } from "../../../src/localize/criteria/deepmufl-reversed.ts";
import { slicerFailing } from "../../../src/localize/criteria/slicer-failing.ts";
import { changedChannels, drawMutants, type Mutant, PER_CHANNEL } from "../../../src/localize/deepmufl/mutants.ts";
import { mutantOutcomes } from "../../../src/localize/deepmufl/outcomes.ts";
import { metallaxis, museReleased, sbi } from "../../../src/localize/deepmufl/statistics.ts";
import type { StateDict } from "../../../src/tensor/state.ts";
import { blankState, colours, inPatch, oneUnit, patchedModel, toySuspect } from "../toys.ts";

const runners: { release(): Promise<void> }[] = [];
afterAll(async () => {
  for (const runner of runners) await runner.release();
});

function suspectOf(network: Network, state: StateDict, from: number) {
  const suspect = toySuspect(network, state, from);
  runners.push(suspect.runner);
  return suspect;
}

/** The same images with a white 3×3 patch where the planted one is. */
function patched(set: ImageSet): ImageSet {
  const plane = set.height * set.width;
  return { ...set, pixels: set.pixels.map((x, k) => (inPatch(k % plane) ? 255 : x)) };
}

const goesTo0 = (output: Float32Array) => highest(output) === 0;

/** A planted backdoor: channel 0 alone sees the patch and shouts for class 0. */
async function planted() {
  const { network, state } = patchedModel(true);
  const suspect = suspectOf(network, state, 1);
  const others = subset(suspect.clean.fit, indicesOutside(suspect.clean.fit, 0));
  return { suspect, failing: asImages(await brokenTests(suspect, others, patched(others), goesTo0)) };
}

describe("tests that a trigger breaks", () => {
  it("have the patch, their true labels, and go to the target", async () => {
    const { suspect, failing } = await planted();
    expect(failing.count).toBeGreaterThan(30);
    expect([...failing.labels].every((label) => label !== 0)).toBe(true);
    expect(await suspect.runner.quality(suspect.state, failing)).toBe(0);
  });

  it("are none where the model has no backdoor", async () => {
    const { network, state } = patchedModel(false);
    const suspect = suspectOf(network, state, 1);
    const { fit } = suspect.clean;
    expect((await brokenTests(suspect, fit, patched(fit), goesTo0)).count).toBe(0);
  });
});

describe("outcomes of mutants", () => {
  it("on two channels of which one mutant mends all failing tests: type-1 SBI is 1", async () => {
    // Class 1 is channel 1 (red); channel 0 is blue and shouts for class 0 through its shift alone.
    const network = oneUnit({ out: 2, kernel: 1, padding: 0, relu: true }, 2);
    const state = blankState(network);
    const at = (key: string) => state.get(key)!.data;
    at("a.weight")[3] = 1;
    at("bn.bias").set([4, 3]);
    at("fc.weight").set([1, 0, 0, 1]);
    const suspect = suspectOf(network, state, 0);
    const all = colours(12, 3, 0);
    const labels = new Uint8Array(all.count).fill(1);
    const failing = { ...all, labels };
    const passing = subset({ ...all, labels: new Uint8Array(all.count) }, [0, 1, 2]);
    const mutants: Mutant[] = [
      { unit: "a", channel: 0, parameter: "shift", operator: "/2" },
      { unit: "a", channel: 0, parameter: "shift", operator: "+1" },
      { unit: "a", channel: 1, parameter: "filter", operator: "*2" },
    ];
    // Red is darker than the mean, so channel 1 is below its shift: 4 beats it, 2 does not.
    const base = await suspect.runner.outputs(state, failing);
    for (let i = 0; i < failing.count; i++) {
      expect(base[2 * i]).toBe(4);
      expect(base[2 * i + 1]).toBeGreaterThan(0);
      expect(base[2 * i + 1]).toBeLessThan(4);
    }
    const outcomes = await mutantOutcomes(suspect, passing, failing, changedChannels, mutants);
    const mended = Array.from({ length: failing.count }, (_, i) => base[2 * i + 1] > 2).filter(Boolean).length;
    const [element, other] = [outcomes.get("a")!.get(0)!, outcomes.get("a")!.get(1)!];
    expect(element.mutants[0]).toMatchObject({ f2p: mended, changed: mended });
    expect(element.mutants[1]).toEqual({ f2p: 0, p2f: 0, changed: 0 });
    expect([element.fixed, element.broken]).toEqual([mended, element.mutants[0].p2f]);
    expect(other).toMatchObject({ fixed: 0, broken: 0 });
    // Without passing tests that break, the mutant that mends is all that counts.
    const alone = await mutantOutcomes(suspect, subset(passing, []), failing, changedChannels, mutants);
    const totals = { failing: failing.count, passing: 0 };
    expect(mended).toBeGreaterThan(0);
    expect(metallaxis(alone.get("a")!.get(0)!, 1, sbi, totals)).toBe(1);
    expect(metallaxis(alone.get("a")!.get(1)!, 1, sbi, totals)).toBe(0);
    expect(museReleased(alone.get("a")!.get(0)!, totals)).toBeCloseTo(mended / failing.count / 2, 9);
  });
});

describe("drawing mutants", () => {
  it("takes all, or as many of every channel, by the seed", () => {
    const network = oneUnit({ out: 5, kernel: 3, padding: 1, relu: true }, 3);
    const key = (mutant: Mutant) => Object.values(mutant).join(" ");
    const all = drawMutants(network, PER_CHANNEL, new Random(1));
    expect(new Set(all.map(key)).size).toBe(40);
    const some = drawMutants(network, 2, new Random(1));
    expect(new Set(some.map(key)).size).toBe(10);
    for (let c = 0; c < 5; c++) expect(some.filter(({ channel }) => channel === c)).toHaveLength(2);
    expect(drawMutants(network, 2, new Random(1))).toEqual(some);
    expect(drawMutants(network, 2, new Random(2))).not.toEqual(some);
  });
});

describe("deepmufl", () => {
  it("names the channel that the backdoor is in, and the same again", async () => {
    const { suspect, failing } = await planted();
    const thorough = { ...suspect, budget: "full" as const };
    const found = await deepmufl.localize(thorough, failing);
    expect(topK(indexNeurons(neuronLayers(suspect.network)), found.scores, 1)).toEqual({ a: [0] });
    expect(found.native).toEqual({ a: [0] });
    expect(found.note).toMatch(/failing tests, 32 mutants$/);
    expect(await deepmufl.localize(thorough, failing)).toEqual(found);
  });

  it("with a reversed trigger needs no failing test", async () => {
    const { suspect } = await planted();
    const { scores, note } = await deepmuflReversed.localize({ ...suspect, budget: "full" });
    expect(note).toMatch(/^class 0, /);
    expect(topK(indexNeurons(neuronLayers(suspect.network)), scores, 1)).toEqual({ a: [0] });
  });
});

describe.each([deepmufl, slicerFailing])("$name without a failing test", (criterion) => {
  it("suspects nobody, and says so", async () => {
    const { suspect, failing } = await planted();
    const none = [0, 0, 0, 0];
    expect(await criterion.localize(suspect, subset(failing, []))).toEqual({
      raw: { a: none },
      scores: { a: none },
      native: {},
      note: "no failing test",
    });
  });
});
