import { describe, expect, it } from "vitest";
import { indexNeurons, topK } from "../../src/core/neuron-index.ts";
import { countNeurons } from "../../src/core/neurons.ts";
import { contributionHigh } from "../../src/localize/criteria/contribution-high.ts";
import { contributionLow } from "../../src/localize/criteria/contribution-low.ts";
import { fp } from "../../src/localize/criteria/fp.ts";
import { random } from "../../src/localize/criteria/random.ts";
import { layerZ, robustZ, withinLayerRank } from "../../src/localize/normalise.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { fakeRunner, images, layers, localizeWith, network, randomState, randomTaps, suspectOf } from "./suspects.ts";

const index = indexNeurons(layers);
const DEAD = { conv1: [2], "layer2.0.conv1": [0, 5], "layer4.1.conv2": [31] };

/** Channels whose gamma and beta are 0. */
function countMasked(state: StateDict): number {
  let count = 0;
  for (const node of network.nodes) {
    if (node.op !== "conv") continue;
    const [gamma, beta] = [state.get(`${node.bn}.weight`)!.data, state.get(`${node.bn}.bias`)!.data];
    for (let c = 0; c < node.out; c++) if (gamma[c] === 0 && beta[c] === 0) count++;
  }
  return count;
}

/** A suspect whose dead channels never fire and whose accuracy depends on how many channels are masked. */
function fpSuspect(quality: (masked: number) => number) {
  const taps = randomTaps(7, 3);
  for (const [layer, channels] of Object.entries(DEAD)) {
    const values = taps.get(layer)!;
    const { width } = layers.find(({ name }) => name === layer)!;
    for (const c of channels) for (let i = 0; i < 3; i++) values[i * width + c] = 0;
  }
  const asked: number[] = [];
  const suspect = suspectOf(randomState(8));
  suspect.runner = fakeRunner({
    taps: async (_state, set, kind) => {
      expect([set, kind]).toEqual([suspect.clean.fit, "mean-abs"]);
      return taps;
    },
    quality: async (state, set) => {
      expect(set).toBe(suspect.clean.threshold);
      const masked = countMasked(state);
      asked.push(masked);
      return quality(masked);
    },
  });
  return { suspect, taps, asked };
}

describe("fp", () => {
  const step = Math.round(0.01 * index.size);

  it("scores minus mean activation and ties dead channels at the top", async () => {
    const { suspect, taps } = fpSuspect(() => 0.8);
    const { raw, scores } = await fp.localize(suspect);
    const stem = taps.get("conv1")!;
    for (let c = 0; c < 4; c++) expect(raw.conv1[c]).toBeCloseTo(-(stem[c] + stem[4 + c] + stem[8 + c]) / 3, 6);
    for (const [layer, channels] of Object.entries(DEAD)) for (const c of channels) expect(scores[layer][c]).toBe(1);
    for (const values of Object.values(scores)) expect(Math.min(...values)).toBe(0);
  });

  it("prunes one percent a step and keeps the last set before a relative drop of a tenth", async () => {
    // Full accuracy .8: .73 is a drop of less than a tenth of it, .72 is a tenth (and a little, for rounding).
    const { suspect, asked } = fpSuspect((masked) => (masked <= 3 * step ? 0.8 : masked <= 5 * step ? 0.73 : 0.7199));
    const { native, scores } = await fp.localize(suspect);
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => n * step));
    expect(native).toEqual(topK(index, scores, 5 * step));
  });

  it("stops at the first drop even where accuracy recovers later", async () => {
    const { suspect } = fpSuspect((masked) => (masked === 2 * step ? 0.1 : 0.8));
    expect(countNeurons((await fp.localize(suspect)).native)).toBe(step);
  });

  it("names nothing when the first step already costs too much, or when the model knows nothing", async () => {
    expect((await fp.localize(fpSuspect((masked) => (masked ? 0.1 : 0.8)).suspect)).native).toEqual({});
    expect((await fp.localize(fpSuspect(() => 0).suspect)).native).toEqual({});
  });
});

describe("contribution baselines", () => {
  it("are each other's mirror and read the fit half", async () => {
    const contribution = randomTaps(9, 1);
    const suspect = suspectOf(randomState(9));
    suspect.runner = fakeRunner({
      contribution: async (_state, set) => {
        expect(set).toBe(suspect.clean.fit);
        return contribution;
      },
    });
    const high = await contributionHigh.localize(suspect);
    const low = await contributionLow.localize(suspect);
    for (const { name } of layers) {
      expect(high.raw[name]).toEqual(Array.from(contribution.get(name)!));
      for (const [c, s] of high.scores[name].entries()) expect(low.scores[name][c]).toBeCloseTo(-s, 9);
    }
  });
});

describe("random", () => {
  it("is the seed's own ranking", async () => {
    const state = randomState(1);
    const one = await random.localize(suspectOf(state, {}, 5));
    expect(await random.localize(suspectOf(state, {}, 5))).toEqual(one);
    expect(await random.localize(suspectOf(state, {}, 6))).not.toEqual(one);
    expect(countNeurons(one.native)).toBe(Math.round(0.05 * index.size));
  });
});

describe("normalisation", () => {
  it("layer z has mean 0 and unbiased standard deviation 1", () => {
    const { a } = layerZ({ a: [1, 2, 3, 10] });
    expect(a.reduce((x, y) => x + y)).toBeCloseTo(0, 9);
    expect(a.reduce((x, y) => x + y * y, 0) / 3).toBeCloseTo(1, 9);
    expect(layerZ({ a: [4, 4] })).toEqual({ a: [0, 0] });
    expect(layerZ({ a: [4] })).toEqual({ a: [0] });
  });

  it("robust z uses median and scaled MAD", () => {
    const { a } = robustZ({ a: [1, 2, 3, 4, 1000] });
    for (const [i, distance] of [-2, -1, 0, 1, 997].entries()) expect(a[i]).toBeCloseTo(distance / 1.4826, 6);
  });

  it("rank gives ties the better place", () => {
    expect(withinLayerRank({ a: [0, -3, 0, -1, -9], b: [7] })).toEqual({ a: [1, 0.25, 1, 0.5, 0], b: [0.5] });
  });
});

describe("the registry", () => {
  it("lists every criterion under its own name: published ones and our own, then baselines", () => {
    const kinds = [...CRITERIA.values()].map(({ kind }) => kind);
    expect(kinds).toEqual([
      ...kinds.filter((kind) => kind !== "baseline"),
      ...kinds.filter((kind) => kind === "baseline"),
    ]);
    for (const [name, criterion] of CRITERIA) {
      expect(criterion.name).toBe(name);
      expect([name, criterion.source !== undefined]).toEqual([name, criterion.kind === "published"]);
    }
  });

  it("weights-only criteria ask the runner for nothing", async () => {
    for (const criterion of CRITERIA.values()) {
      if (!criterion.needsData) await localizeWith(criterion, suspectOf(randomState(2)), images(0));
    }
  });
});
