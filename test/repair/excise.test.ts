import { afterAll, describe, expect, it } from "vitest";
import { countNeurons, type NeuronSet } from "../../src/core/neurons.ts";
import type { Network } from "../../src/graph/network.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { excise } from "../../src/repair/excise.ts";
import { stampPatch } from "../../src/reversal/stamp.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { colours, inPatch, patchedModel, SIDE, sleepingModel, toySuspect, widePatchedModel } from "../localize/toys.ts";

/** Whether the cut neurons are silent, and the others moved a little. */
function expectSettled(network: Network, state: StateDict, repaired: StateDict, cut: NeuronSet): void {
  expect(repaired).toEqual(maskNeurons(network, repaired, cut));
  const start = maskNeurons(network, state, cut);
  expect(repaired).not.toEqual(start);
  for (const [key, { data }] of repaired) {
    // A hundred steps of Adam at a rate that falls from 1e-4 to 0.
    expect(Math.max(...data.map((value, i) => Math.abs(value - start.get(key)!.data[i]))), key).toBeLessThan(0.01);
  }
}

/** A linear model of which the first neuron answers a white patch. */
describe("excise", () => {
  const { network, state } = widePatchedModel(40);
  const suspect = toySuspect(network, state, 1);
  suspect.clean.fit = colours(200, 3, 1);
  afterAll(() => suspect.runner.release());
  const scores = { a: [4, 1, 0, 2, ...new Array<number>(40).fill(-1)] };

  it("cuts the planted neuron in a criterion's order, and says so", async () => {
    const { neurons, note, state: repaired } = await excise.repairByRanking!(suspect, {}, scores);
    expect(neurons.a).toContain(0);
    // The idle ones go as well, for clean images do without them; the three that tell the colours stay.
    for (const c of [1, 2, 3]) expect(neurons.a).not.toContain(c);
    expect(note).toMatch(/^cut \d+: the patch towards class 0 works on [0-3] % of images, \d+ % before$/);
    expectSettled(network, state, repaired, neurons);
    expect(await excise.repair(suspect, {}, scores)).toEqual(repaired);
    const patch = {
      opacity: Float32Array.from({ length: SIDE * SIDE }, (_, i) => (inPatch(i) ? 1 : 0)),
      pattern: new Uint8Array(3 * SIDE * SIDE).fill(255),
    };
    const stamped = stampPatch(patch, suspect.clean.threshold);
    expect(await suspect.runner.quality(state, stamped)).toBe(0);
    expect(await suspect.runner.quality(repaired, stamped)).toBe(1);
  });

  it("cuts none but named neurons where nobody ranked them, and nothing where none is named", async () => {
    expect((await excise.repairByRanking!(suspect, { a: [0] })).neurons).toEqual({ a: [0] });
    const wrong = await excise.repairByRanking!(suspect, { a: [2] });
    expect(wrong.neurons.a ?? []).not.toContain(0);
    const nothing = await excise.repairByRanking!(suspect, {});
    expect([countNeurons(nothing.neurons), nothing.note]).toEqual([0, "nothing cut: no neuron is named"]);
    expect(nothing.state).toEqual(state);
  });
});

/** Models of which no patch is a backdoor's. */
describe("excise where no patch stands out", () => {
  it("cuts what clean images do without, and says that it saw no backdoor", async () => {
    const { network, state } = sleepingModel();
    const suspect = toySuspect(network, state, 0);
    const scores = { a: [1, 0, 0, 5, 4, 3, 2, 2] };
    const { neurons, note, state: repaired } = await excise.repairByRanking!(suspect, {}, scores);
    await suspect.runner.release();
    expect(neurons).toEqual({ a: [3, 4, 5, 6, 7] });
    expect(note).toMatch(/^cut 5 that clean images do without; no patch stands out \(evidence \d\.\d\d\)$/);
    expectSettled(network, state, repaired, neurons);
  });

  it("cuts nothing where clean images need all of it", async () => {
    const { network, state } = patchedModel(false);
    const suspect = toySuspect(network, state, 1);
    const { neurons, note } = await excise.repairByRanking!(suspect, {}, { a: [-1, 2, 1, 0] });
    await suspect.runner.release();
    expect(neurons.a ?? []).not.toContain(1);
    expect(note).toMatch(/no patch stands out/);
  });
});
