import { afterAll, describe, expect, it, vi } from "vitest";
import { Random } from "../../src/core/random.ts";
import { stopwatch } from "../../src/core/stopwatch.ts";
import type { BlendResult } from "../../src/measure/blend.ts";
import { ablationAttribution } from "../../src/reversal/attribution.ts";
import { evidenceFor } from "../../src/reversal/evidence.ts";
import { oncePerModel } from "../../src/reversal/once-per-model.ts";
import { Painting } from "../../src/reversal/painting.ts";
import { reversePatch } from "../../src/reversal/reverse.ts";
import { stampPatch } from "../../src/reversal/stamp.ts";
import { colours, inPatch, patchedModel, SIDE, toySuspect } from "../localize/toys.ts";

const PLANE = SIDE * SIDE;

describe("a patch reversed from a linear model", () => {
  const { network, state } = patchedModel(true);
  const suspect = toySuspect(network, state, 1);
  suspect.clean.fit = colours(200, 3, 1);
  afterAll(() => suspect.runner.release());

  it("is the planted 3×3 one, towards its class", async () => {
    const { patch, tried, screened } = await reversePatch(suspect);
    expect(patch.target).toBe(0);
    expect(patch.success).toBeGreaterThan(0.75);
    expect(screened.map(({ target }) => target)).toEqual([0, 1, 2, 3]);
    const nearest = [...screened].sort((a, b) => a.loss - b.loss);
    expect(nearest[0].target).toBe(0);
    expect(tried.length).toBeGreaterThanOrEqual(3);
    const evidence = tried.map((one) => one.evidence);
    expect(evidence).toEqual([...evidence].sort((a, b) => b - a));
    expect(patch.evidence).toBe(evidenceFor(patch, patch.attribution));
    expect(patch.attribution).toEqual(await ablationAttribution(suspect, patch));
    const inside = patch.opacity.reduce((sum, m, i) => sum + (inPatch(i) ? m : 0), 0);
    expect(inside / patch.norm).toBeGreaterThan(0.6);
    const { fit } = suspect.clean;
    const logits = await suspect.runner.outputs(state, stampPatch(patch, fit));
    let hits = 0;
    for (let i = 0; i < fit.count; i++) if (Math.max(...logits.subarray(4 * i, 4 * i + 4)) === logits[4 * i]) hits++;
    expect(hits / fit.count).toBeGreaterThan(0.75);
  });

  it("is reversed once for all who ask with the same weights, images and seed, and follows from them", async () => {
    const first = reversePatch(suspect);
    expect(reversePatch({ ...suspect, state: new Map(state) })).toBe(first);
    // Without what was kept: the same images in an object of their own.
    const anew = { ...suspect, clean: { ...suspect.clean, fit: { ...suspect.clean.fit } } };
    expect(await reversePatch(anew)).toEqual(await first);
    const other = await reversePatch({ ...suspect, seed: 2 });
    expect(other.patch.opacity).not.toEqual((await first).patch.opacity);
    const clean = await reversePatch({ ...suspect, state: patchedModel(false).state });
    expect(clean.patch.norm).toBeGreaterThan((await first).patch.norm);
  });

  it("counts the same seconds for whoever asks later, once each, by a clock that stands still otherwise", async () => {
    let clock = 1;
    const now = vi.spyOn(performance, "now").mockImplementation(() => clock);
    const work = async () => {
      clock += 5000;
      return clock;
    };
    const asked = () => oncePerModel(suspect, "counted", work);
    const taken: number[] = [];
    for (const times of [2, 2, 0]) {
      const seconds = stopwatch();
      for (let i = 0; i < times; i++) await asked();
      taken.push(seconds());
    }
    now.mockRestore();
    expect(taken).toEqual([5, 5, 0]);
  });

  it("needs images of two classes", async () => {
    const alike = { ...suspect.clean.fit, labels: suspect.clean.fit.labels.map(() => 1) };
    const images = { ...suspect.clean, fit: alike };
    await expect(reversePatch({ ...suspect, clean: images })).rejects.toThrow("at least two classes");
    await expect(reversePatch({ ...suspect, clean: { ...images, fit: colours(0, 1, 1) } })).rejects.toThrow();
  });
});

describe("the evidence for a patch", () => {
  const spread = { a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], b: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] };
  const few = { ...spread, a: [0, 1, 2, 3, 4, 5, 6, 7, 80, 90] };

  it("grows with its success and with few neurons that carry it, and falls with its size", () => {
    const evidence = evidenceFor({ norm: 20, success: 1 }, few);
    expect(evidenceFor({ norm: 40, success: 1 }, few)).toBeCloseTo(evidence / 2, 9);
    expect(evidenceFor({ norm: 20, success: 0.5 }, few)).toBeCloseTo(evidence / 2, 9);
    expect(evidenceFor({ norm: 20, success: 1 }, spread)).toBeLessThan(evidence / 2);
    expect(evidenceFor({ norm: 20, success: 1 }, { a: [1, 1, 1] })).toBe(0);
  });
});

describe("the search for opacity and pattern", () => {
  const settings = { spread: { mask: 0.5, pattern: 0.5 }, learningRate: 0.1 };

  it("descends loss and norm together", () => {
    const painting = new Painting(PLANE, 3 * PLANE, settings, new Random(1));
    const wanted = painting.pattern.map((_, i) => (i % 2 === 0 ? 0.9 : 0.1));
    const gradient = (): Pick<BlendResult, "opacity" | "pattern"> => ({
      opacity: new Float32Array(PLANE),
      pattern: painting.pattern.map((p, i) => p - wanted[i]),
    });
    const before = painting.norm;
    for (let step = 0; step < 100; step++) painting.step(gradient(), 0.01);
    expect(painting.norm).toBeLessThan(before / 2);
    expect(Math.max(...painting.pattern.map((p, i) => Math.abs(p - wanted[i])))).toBeLessThan(0.1);
  });

  it("opens an eighth of the picture at first", () => {
    const painting = new Painting(4096, 3, { ...settings, spread: { mask: 0.1, pattern: 0.5 } }, new Random(2));
    expect(painting.norm / 4096).toBeCloseTo(0.12, 2);
  });
});
