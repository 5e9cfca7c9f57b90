import { afterAll, describe, expect, it } from "vitest";
import { countNeurons } from "../../src/core/neurons.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { excise } from "../../src/repair/excise.ts";
import { stampPatch } from "../../src/reversal/stamp.ts";
import { colours, inPatch, SIDE, toySuspect, widePatchedModel } from "../localize/toys.ts";

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
    expect(note).toMatch(/^cut [12]: the patch towards class 0 works on [0-3] % of images, \d+ % before$/);
    expect(repaired).toEqual(maskNeurons(network, state, neurons));
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
