import { afterAll, describe, expect, it } from "vitest";
import { attribution, evidenceIn } from "../../src/localize/criteria/attribution.ts";
import { boundedZ } from "../../src/localize/normalise.ts";
import { statisticOf } from "../../src/localize/statistic.ts";
import { colours, patchedModel, toySuspect, widePatchedModel } from "./toys.ts";

describe("attribution", () => {
  const { network, state } = widePatchedModel(40);
  const suspect = toySuspect(network, state, 1);
  suspect.clean.fit = colours(200, 3, 1);
  afterAll(() => suspect.runner.release());

  it("names the neuron that carries a planted patch to its class", async () => {
    const found = await attribution.localize(suspect);
    const { a } = found.scores;
    expect(a.indexOf(Math.max(...a))).toBe(0);
    expect(found.native.a).toContain(0);
    expect(found.note).toMatch(/^class 0, patch of \d+\.\d pixels, success [01]\.\d\d, evidence \d+\.\d{4}$/);
    expect(statisticOf("attribution").of(found)).toBe(evidenceIn(found.note));
    expect(found.raw).toEqual(found.scores);
  });

  it("gives every neuron a number on a model without a trigger, too", async () => {
    const clean = patchedModel(false);
    const bare = toySuspect(clean.network, clean.state, 1);
    const { scores, note, native } = await attribution.localize({ ...suspect, ...clean, runner: bare.runner });
    expect(native).toEqual({});
    expect(scores.a).toHaveLength(4);
    expect(evidenceIn(note)).toBeLessThan(evidenceIn((await attribution.localize(suspect)).note)!);
    expect(scores.a.every((score) => Number.isFinite(score) && score >= -1.5 && score <= 6)).toBe(true);
    await bare.runner.release();
  });
});

describe("bounded z", () => {
  it("is the robust z where the layer spreads, and never infinite where it does not", () => {
    const { a } = boundedZ({ a: [1, 2, 3, 4, 5] });
    for (const [i, distance] of [-2, -1, 0, 1, 2].entries()) expect(a[i]).toBeCloseTo(distance / 1.4826, 6);
    // MAD is 0; the standard deviation of nine zeros and a ten is 3.
    expect(boundedZ({ a: [0, 0, 0, 0, 0, 0, 0, 0, 0, 10] }).a[9]).toBe(6);
    const spread = boundedZ({ a: [0, 0, 0, 0, 1] }).a;
    expect(spread.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(spread[4]).toBe(6);
    expect(boundedZ({ a: [2, 2, 2], b: [7] })).toEqual({ a: [0, 0, 0], b: [0] });
  });
});
