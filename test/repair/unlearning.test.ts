import { afterAll, describe, expect, it } from "vitest";
import { maskNeurons } from "../../src/measure/mask.ts";
import { excise } from "../../src/repair/excise.ts";
import { looks } from "../../src/repair/look.ts";
import { unlearnPatch } from "../../src/repair/unlearning.ts";
import type { ReversedPatch } from "../../src/reversal/targeted.ts";
import { colours, inPatch, SIDE, toySuspect, widePatchedModel } from "../localize/toys.ts";

const IDLE = 40;

/** A linear model of which the first neuron answers a white patch, and the next three the colours. */
describe("unlearning a patch", () => {
  const { network, state } = widePatchedModel(IDLE);
  const suspect = toySuspect(network, state, 1);
  suspect.clean.fit = colours(200, 3, 1);
  afterAll(() => suspect.runner.release());
  const patch: ReversedPatch = {
    ...{ target: 0, height: SIDE, width: SIDE, norm: 9, success: 1 },
    opacity: Float32Array.from({ length: SIDE * SIDE }, (_, i) => (inPatch(i) ? 1 : 0)),
    pattern: new Uint8Array(3 * SIDE * SIDE).fill(255),
  };
  const idle = (score: number) => new Array<number>(IDLE).fill(score);
  const weights = (of: typeof state) => of.get("a.weight")!.data;
  const size = weights(state).length / (4 + IDLE);

  it("weakens it without a loss on clean images, and moves no other neurons", async () => {
    // The tenth of neurons that is most suspicious and not cut: the planted one and four idle ones.
    const scores = { a: [3, -1, -1, -1, 4, 2, 2, 2, 2, ...idle(0).slice(5)] };
    const cut = { a: [4] };
    const start = maskNeurons(network, state, cut);
    const { state: after, neurons } = await unlearnPatch(suspect, start, cut, scores, patch);
    expect(neurons).toEqual({ a: [0, 5, 6, 7, 8] });
    const look = looks(suspect, patch);
    const [before, now] = [await look(state), await look(after)];
    expect([before.success, before.accuracy]).toEqual([1, 1]);
    expect(now.pull).toBeLessThan(0.5 * before.pull);
    expect(now.accuracy).toBe(1);
    for (let c = 0; c < 4 + IDLE; c++) {
      const [mine, first] = [after, start].map((of) => weights(of).slice(c * size, (c + 1) * size));
      if (!neurons.a.includes(c)) expect(mine, `neuron ${c}`).toEqual(first);
    }
    expect(weights(after).slice(0, size)).not.toEqual(weights(start).slice(0, size));
    for (const key of ["fc.weight", "fc.bias", "bn.running_mean"]) expect(after.get(key)).toEqual(start.get(key));
    expect((await unlearnPatch(suspect, start, cut, scores, patch)).state).toEqual(after);
  });

  it("does not count where it leaves the patch as it is", async () => {
    // Whoever finds idle neurons suspicious alone: without them the patch works as before, and training more of them changes nothing.
    const scores = { a: [-1, -1, -1, -1, ...idle(0).map((_, i) => IDLE - i)] };
    const { state: after, neurons, note } = await excise.repairByRanking!(suspect, {}, scores);
    expect(neurons.a.every((c) => c >= 4)).toBe(true);
    expect(note).toBe("cut 32: the patch towards class 0 works on 100 % of images, 100 % before");
    expect(after).toEqual(maskNeurons(network, after, neurons));
  });
});
