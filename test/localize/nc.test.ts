import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { nc } from "../../src/localize/criteria/nc.ts";
import { ClassInversion, INVERSION, invertTogether, patchGradient } from "../../src/localize/nc/invert-class.ts";
import { anomalyIndex, chooseTarget, invertTrigger } from "../../src/localize/nc/invert-trigger.ts";
import { Squashed } from "../../src/localize/nc/squash.ts";
import type { BlendGradients } from "../../src/measure/blend.ts";
import { stampPatch } from "../../src/reversal/stamp.ts";
import { slopeError } from "../graph/small-networks.ts";
import { fakeRunner } from "./suspects.ts";
import { colours, inPatch, oneUnit, patchedModel, SIDE, sleepingModel, toySuspect } from "./toys.ts";

const PLANE = SIDE * SIDE;

describe("the gradient of loss and norm by mask and pattern", () => {
  it("agrees with finite differences, through the squashing", async () => {
    const { network, state } = sleepingModel();
    const { runner } = toySuspect(network, state, 0);
    const random = new Random(5);
    const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
    const [images, mask, paint] = [draw(6 * 3 * PLANE), draw(PLANE), draw(3 * PLANE)];
    const weight = 0.01;
    const blend = runner.blend(state);
    const shown = { mask: new Squashed(mask), paint: new Squashed(paint) };
    const look = async () => {
      shown.mask.show();
      shown.paint.show();
      return blend.at(images, 1, shown.mask.values, shown.paint.values);
    };
    const loss = async () => (await look()).loss + weight * shown.mask.values.reduce((sum, m) => sum + m, 0);
    const gradient = patchGradient(await look(), shown.mask, shown.paint, weight);
    expect(await slopeError(loss, mask, gradient.mask, random)).toBeLessThan(0.03);
    expect(await slopeError(loss, paint, gradient.paint, random)).toBeLessThan(0.03);
    await runner.release();
  });

  it("squashes all numbers into [0, 1]", () => {
    const into = new Squashed(Float32Array.of(-100, -1, 0, 1, 100)).values;
    expect([into[0] >= 0, into[2], into[4] <= 1]).toEqual([true, 0.5, true]);
    expect(into[1] + into[3]).toBeCloseTo(1, 6);
  });
});

/** Says of every image that it goes to the class, or that it does not, and knows no way. */
function obstinate(success: (target: number) => boolean): { blend: BlendGradients; asked: number[] } {
  const asked: number[] = [];
  const blend: BlendGradients = {
    at: () => Promise.reject(new Error("not one by one")),
    toward: () => Promise.reject(new Error("not by truths")),
    together: async (blends) =>
      blends.map(({ images, target, opacity, pattern }) => {
        asked.push(target);
        const count = images.length / pattern.length;
        const logits = new Float32Array(20 * count);
        for (let i = 0; i < count; i++) logits[20 * i + ((target + (success(target) ? 0 : 1)) % 20)] = 1;
        return { loss: 0, outputs: logits, opacity: opacity.map(() => 0), pattern: pattern.map(() => 0) };
      }),
  };
  return { blend, asked };
}

describe("the schedule", () => {
  const images = { values: new Float32Array(32 * 3 * PLANE), count: 32 };
  const start = () => new ClassInversion(3, images, PLANE, 16, new Random(1));

  it("shrinks a patch that works, and keeps the smallest", async () => {
    const [inversion, { blend }] = [start(), obstinate(() => true)];
    const norms: number[] = [];
    for (let epoch = 0; epoch < 12; epoch++) {
      await invertTogether(blend, [inversion], 1, 1);
      norms.push(inversion.patch.norm);
    }
    expect(inversion.reached).toBe(true);
    expect(norms).toEqual([...norms].sort((a, b) => b - a));
    expect(norms[11]).toBeLessThan(norms[0] / 2);
    const sum = inversion.patch.opacity.reduce((total, m) => total + m, 0);
    expect(inversion.patch.norm).toBeCloseTo(sum, 3);
  });

  it("never calls one that fails a success", async () => {
    const inversion = start();
    await invertTogether(obstinate(() => false).blend, [inversion], 12, 1);
    expect(inversion.reached).toBe(false);
    expect(inversion.patch.norm).toBeGreaterThan(0);
  });

  it("takes several classes together, each until its own end", async () => {
    const asked: number[][] = [];
    const { blend } = obstinate((target) => target !== 2);
    const watched: BlendGradients = {
      ...blend,
      together: (blends) => {
        asked.push(blends.map(({ target }) => target));
        return blend.together(blends);
      },
    };
    const of = (target: number) => new ClassInversion(target, images, PLANE, 16, new Random(target));
    const searches = [0, 1, 2, 3, 4].map(of);
    await invertTogether(watched, searches, 2, 3);
    // Two batches an epoch; groups of nearly equal size.
    expect(asked).toEqual([...Array(4).fill([0, 1, 2]), ...Array(4).fill([3, 4])]);
    for (const [target, search] of searches.entries()) {
      const alone = of(target);
      await invertTogether(blend, [alone], 2, 1);
      expect(search.patch).toEqual(alone.patch);
      expect(search.reached).toBe(alone.reached);
    }
  });

  it("ends when λ moved both ways and nothing improves", async () => {
    let works = true;
    const { blend, asked } = obstinate(() => works);
    const inversion = start();
    await invertTogether(blend, [inversion], INVERSION.patience, 1);
    works = false;
    await invertTogether(blend, [inversion], 1000, 1);
    // Two batches an epoch. Failing epochs never improve the best patch.
    expect(asked.length).toBe(2 * (INVERSION.patience + INVERSION.stopPatience));
  });
});

describe("the choice of the target", () => {
  const patchOf = (norm: number) => ({ opacity: new Float32Array(4), pattern: new Float32Array(12), norm });
  const choose = (norms: number[], failed: number[] = []) =>
    chooseTarget(
      norms.map((norm, target) => ({ target, reached: !failed.includes(target), patch: patchOf(norm) })),
      { height: 2, width: 2 },
    );

  it("takes the smallest norm, flagged where it is more than two robust deviations below", () => {
    // Median 50, deviations 40 2 1 0 1 2 3: MAD 2.
    const found = choose([52, 10, 51, 50, 49, 48, 53]);
    expect(found).toMatchObject({ target: 1, flagged: true });
    expect(found.anomaly).toBeCloseTo(40 / (1.4826 * 2), 6);
    expect(choose([52, 47, 51, 50, 49, 48, 53])).toMatchObject({ target: 1, flagged: false });
    expect(choose([3, 3, 3])).toMatchObject({ anomaly: 0, flagged: false });
  });

  it("passes over a small patch that never worked", () => {
    expect(choose([52, 10, 51, 50, 20, 48, 53], [1])).toMatchObject({ target: 4, flagged: true });
    expect(choose([52, 10, 51], [0, 1, 2])).toMatchObject({ target: 1, flagged: false });
  });

  it("is far where the others agree", () => {
    expect(anomalyIndex([9, 9, 9, 1], 1)).toBeGreaterThan(1e6);
  });

  it("screens many classes, and runs the smallest and some others in full", async () => {
    const network = oneUnit({ out: 4, kernel: 1, padding: 0, relu: true }, 20);
    const { blend, asked } = obstinate((target) => target % 4 === 0);
    const suspect = { ...toySuspect(network, new Map(), 0), runner: fakeRunner({ blend: () => blend }) };
    const trigger = await invertTrigger(suspect);
    expect(trigger.target % 4).toBe(0);
    expect(trigger.norms.size).toBe(15);
    const epochs = Array.from({ length: 20 }, (_, target) => asked.filter((t) => t === target).length / 3);
    for (const [target, count] of epochs.entries()) expect(count).toBe(trigger.norms.has(target) ? 10 : 3);
    for (const target of [0, 4, 8, 12, 16]) expect(trigger.norms.has(target)).toBe(true);
  });
});

describe("nc on a linear model", () => {
  const { network, state } = patchedModel(true);
  const suspect = toySuspect(network, state, 1);
  // As many steps as a real half gives.
  suspect.clean.fit = colours(200, 3, 1);
  afterAll(() => suspect.runner.release());

  it("recovers a planted 3×3 patch", async () => {
    const { fit } = suspect.clean;
    expect(await suspect.runner.quality(state, fit)).toBe(1);
    const trigger = await invertTrigger(suspect, "short");
    expect(trigger).toMatchObject({ target: 0, flagged: true });
    const inside = trigger.opacity.reduce((sum, m, i) => sum + (inPatch(i) ? m : 0), 0);
    expect(inside).toBeGreaterThan(4);
    expect(inside / trigger.norms.get(0)!).toBeGreaterThan(0.8);
    for (let i = 0; i < PLANE; i++) {
      const value = [0, 1, 2].reduce((sum, c) => sum + trigger.pattern[c * PLANE + i] / 3, 0);
      if (inPatch(i) && trigger.opacity[i] > 0.5) expect(value).toBeGreaterThan(200);
    }
    const logits = await suspect.runner.outputs(state, stampPatch(trigger, fit));
    for (let i = 0; i < fit.count; i++) {
      const row = Array.from(logits.subarray(4 * i, 4 * i + 4));
      expect(row.indexOf(Math.max(...row))).toBe(0);
    }
  });

  it("names the neuron that answers the patch, by the seed", async () => {
    const found = await nc.localize(suspect);
    expect(found.native).toEqual({ a: [0] });
    expect(found.scores.a.indexOf(Math.max(...found.scores.a))).toBe(0);
    expect(found.note).toMatch(/^class 0, patch of \d/);
    expect(await nc.localize(suspect)).toEqual(found);
    expect((await nc.localize({ ...suspect, seed: 2 })).raw).not.toEqual(found.raw);
  });

  it("names nothing where no class stands out, but ranks", async () => {
    const clean = patchedModel(false);
    const { raw, native, note } = await nc.localize({ ...suspect, state: clean.state });
    expect([native, raw.a.length]).toEqual([{}, 4]);
    expect(raw.a.every(Number.isFinite)).toBe(true);
    expect(note).toMatch(/^no class flagged: smallest is class \d/);
  });
});

describe("stamping a reversed trigger", () => {
  it("blends in pixels and leaves the images alone", () => {
    const set = colours(3, 9, 0);
    const kept = set.pixels.slice();
    const opacity = Float32Array.from({ length: PLANE }, (_, i) => (i === 5 ? 1 : i === 6 ? 0.5 : 0));
    const stamped = stampPatch({ opacity, pattern: new Uint8Array(3 * PLANE).fill(200) }, set);
    expect(set.pixels).toEqual(kept);
    const expected = kept.map((x, k) => (k % PLANE === 5 ? 200 : k % PLANE === 6 ? Math.round((x + 200) / 2) : x));
    expect(stamped.pixels).toEqual(expected);
  });
});
