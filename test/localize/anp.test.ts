import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { anp, maskGradient, PUBLISHED, perturb } from "../../src/localize/criteria/anp.ts";
import { Masks } from "../../src/localize/masks.ts";
import { CleanBatches } from "../../src/measure/clean-batches.ts";
import type { GainGradients } from "../../src/measure/gains.ts";
import { slopeError } from "../graph/small-networks.ts";
import { SLEEPERS, sleepingModel, toySuspect } from "./toys.ts";

const NOTHING = { inputs: new Float32Array(0), targets: new Float32Array(0) };

/** Slopes of fixed sign; tells at which factors it was asked. */
function fixedSlopes(gain: number[], shift: number[]) {
  const asked: [gain: number[], shift: number[]][] = [];
  const gains: GainGradients = {
    at: async (_, a, b) => {
      asked.push([[...a], [...b]]);
      return { loss: 0, outputs: new Float32Array(0), gain: Float32Array.from(gain), shift: Float32Array.from(shift) };
    },
  };
  return { gains, asked };
}

describe("the adversary", () => {
  const masks = Float32Array.of(1, 0.5, 0);
  const start = { gain: Float32Array.of(0.4, -0.4, 0.25), shift: Float32Array.of(-0.4, 0, 0.125) };
  const rounded = (values: Iterable<number>) => Array.from(values, (v) => Math.round(v * 1e4) / 1e4 + 0);

  it("moves by the slope's sign from where it starts, as far as 2ε, and not where there is no slope", async () => {
    const { gains, asked } = fixedSlopes([3, -1e-9, 0], [-2, Number.NaN, 5]);
    const moved = await perturb(gains, NOTHING, masks, start, PUBLISHED);
    expect(rounded(moved.gain)).toEqual([0.8, -0.8, 0.25]);
    expect(rounded(moved.shift)).toEqual([-0.8, 0, 0.525]);
    expect(asked.map(([a, b]) => [rounded(a), rounded(b)])).toEqual([
      [
        [1.4, 0.1, 0.25],
        [0.6, 1, 1.125],
      ],
    ]);
    expect(rounded(start.gain)).toEqual([0.4, -0.4, 0.25]);
  });

  it("stays in the ε-ball where it is told to, in several steps", async () => {
    const { gains, asked } = fixedSlopes([1, 1, -1], [1, -1, -1]);
    const moved = await perturb(gains, NOTHING, masks, start, { ...PUBLISHED, steps: 2, project: true });
    expect(rounded(moved.gain)).toEqual([0.4, 0, -0.15]);
    expect(rounded(moved.shift)).toEqual([0, -0.4, -0.275]);
    expect(asked).toHaveLength(2);
  });

  it("gives way to the masks, which follow both losses", async () => {
    const { network, state } = sleepingModel();
    const suspect = toySuspect(network, state, 0);
    const batch = new CleanBatches(suspect, suspect.clean.fit, 16, new Random(1)).draw();
    const random = new Random(2);
    const draw = () => Float32Array.from({ length: 8 }, () => random.between(-0.8, 0.8));
    const [m, pushed] = [draw().map((x) => 0.6 + x / 2), { gain: draw(), shift: draw() }];
    const gains = suspect.runner.gains(state, "batch");
    const ones = new Float32Array(8).fill(1);
    const loss = async () => {
      const natural = await gains.at(batch, m, ones);
      const robust = await gains.at(
        batch,
        m.map((x, i) => x + pushed.gain[i]),
        pushed.shift.map((x) => 1 + x),
      );
      return 0.2 * natural.loss + 0.8 * robust.loss;
    };
    const gradient = await maskGradient(gains, batch, m, pushed, 0.2);
    expect(await slopeError(loss, m, gradient, random)).toBeLessThan(0.03);
    await suspect.runner.release();
  });
});

describe("masks", () => {
  it("stay in [0, 1], and where a gradient is no number they stay", () => {
    const masks = new Masks(4, 0.9);
    masks.step(Float32Array.of(2, -2, Number.NaN, Number.POSITIVE_INFINITY), 0.2);
    for (const [i, m] of [0.6, 1, 1, 1].entries()) expect(masks.values[i]).toBeCloseTo(m, 6);
    masks.step(Float32Array.of(2, 0, 0, 0), 0.2);
    expect([...masks.values]).toEqual([0, 1, 1, 1]);
  });
});

describe("anp", () => {
  const { network, state } = sleepingModel();
  const suspect = { ...toySuspect(network, state, 0), budget: "short" as const };
  afterAll(() => suspect.runner.release());

  it("takes the masks of sleepers that a push would wake, and names them", async () => {
    expect(await suspect.runner.quality(state, suspect.clean.fit)).toBe(1);
    const { raw, scores, native } = await anp.localize(suspect);
    expect(scores).toEqual(raw);
    for (const u of raw.a) expect(u >= 0 && u <= 1).toBe(true);
    expect(native).toEqual({ a: SLEEPERS });
    // Channels that nothing depends on keep theirs.
    expect(raw.a.slice(6)).toEqual([0, 0]);
  });

  it("is the seed's own result", async () => {
    const quick = { ...suspect, budget: "demo" as const };
    const one = await anp.localize(quick);
    expect(await anp.localize(quick)).toEqual(one);
    expect(await anp.localize({ ...quick, seed: 2 })).not.toEqual(one);
  });
});
