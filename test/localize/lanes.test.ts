import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { type Network, neuronLayers, stateShapes } from "../../src/graph/network.ts";
import { bnp } from "../../src/localize/criteria/bnp.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { nc } from "../../src/localize/criteria/nc.ts";
import { slicer } from "../../src/localize/criteria/slicer.ts";
import { byMutation } from "../../src/localize/deepmufl/by-mutation.ts";
import { drawMutants, mutate, rewriteOf } from "../../src/localize/deepmufl/mutants.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import type { Suspect } from "../../src/localize/types.ts";
import { CleanBatches } from "../../src/measure/clean-batches.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { rowOf } from "../../src/measure/verdicts.ts";
import { applicable } from "../../src/pipeline/judging/applicable.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { encodeLanes, logitsOf, REDUCED_GRID } from "../../src/tasks/lanes/labels.ts";
import type { LaneLabels, LaneSet } from "../../src/tasks/lanes/lane.ts";
import { ufld18 } from "../../src/tasks/lanes/models/ufld18.ts";
import { writeTargets } from "../../src/tasks/lanes/objectives/targets.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { type StateDict, sizeOf, tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";

/** Small networks for lanes with a trunk and a hidden layer, on frames of 9×25 pixels. */

const [HEIGHT, WIDTH] = [9, 25];
const PLANE = HEIGHT * WIDTH;
const LOGITS = logitsOf(REDUCED_GRID);
const NORMALIZATION: Suspect["normalization"] = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** @param channels of the one convolution with batch norm @param hidden units */
function toy(channels: number, hidden: number, kernel: 1 | 3): Network {
  const conv = { kernel, stride: 1, padding: (kernel - 1) / 2, bias: false, relu: true } as const;
  return {
    arch: `toy-lanes-${channels}-${hidden}-${kernel}`,
    input: { channels: 3, height: HEIGHT, width: WIDTH },
    classes: LOGITS,
    nodes: [
      { op: "input", id: "input" },
      { op: "conv", id: "a", bn: "bn", input: "input", out: channels, ...conv },
      { op: "plainconv", id: "pool", input: "a", out: 2, kernel: 1, stride: 1, padding: 0, relu: false },
      { op: "flatten", id: "flat", input: "pool" },
      { op: "dense", id: "cls.0", input: "flat", out: hidden, relu: true },
      { op: "linear", id: "cls.2", input: "cls.0", out: LOGITS },
    ],
  };
}

const ROWS = Array.from({ length: 56 }, (_, i) => 160 + 10 * i);
/** Two upright lanes of the car's own. */
const LABELS: LaneLabels = { rows: ROWS, lanes: [400, 880].map((x) => ROWS.map(() => x)) };

/** Dark noise; the truth is the same everywhere. */
function frames(count: number, seed: number): LaneSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3 * PLANE }, () => random.below(60));
  return { count, height: HEIGHT, width: WIDTH, pixels, labels: new Array(count).fill(LABELS) };
}

const runners: OrtRunner[] = [];
afterAll(async () => {
  for (const runner of runners) await runner.release();
});

function suspectOf(network: Network, state: StateDict): Suspect & { runner: OrtRunner } {
  const runner = new OrtRunner(lanes, network, NORMALIZATION, new ProgramPool(1));
  runners.push(runner);
  return {
    ...{ name: "suspect-toy", task: blind(lanes), network, state, normalization: NORMALIZATION, seed: 1, runner },
    augmentation: { flip: false, cropPadding: 0 },
    clean: { fit: frames(24, 1), threshold: frames(16, 2) },
    budget: "demo",
  };
}

/** The patch that the planted model answers: 2×3 pixels. */
const inPatch = (p: number) =>
  Math.floor(p / WIDTH) >= 5 && Math.floor(p / WIDTH) < 7 && p % WIDTH >= 15 && p % WIDTH < 18;

/**
 * Unit 0 of the hidden layer is always 1 and writes the true lanes. Unit 1 is awake where the patch is white, and its column writes the
 * absent class of every cell. Units 2 and 3 sleep, and nobody reads them. Channel 0 is the brightness, channel 1 sleeps.
 */
function planted(): { network: Network; state: StateDict } {
  const network = toy(2, 4, 1);
  const state: StateDict = new Map(
    [...stateShapes(network)].map(([key, shape]) => [key, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const at = (key: string) => tensorOf(state, key).data;
  at("bn.weight").fill(1);
  at("bn.running_var").fill(1);
  at("bn.bias").set([6, -1]);
  // Black is −2 in all of three channels: 0 behind the shift; white is 12.
  at("a.weight").fill(1, 0, 3);
  at("pool.weight")[0] = 1;
  for (let p = 0; p < PLANE; p++) if (inPatch(p)) at("cls.0.weight")[2 * PLANE + p] = 1 / 36;
  at("cls.0.bias").set([1, -0.45, -1, -1]);
  const wanted = new Float32Array(LOGITS);
  writeTargets(encodeLanes(LABELS, REDUCED_GRID, { extend: false }), REDUCED_GRID, wanted, 0);
  const cells = REDUCED_GRID.anchors.length * 4;
  for (let o = 0; o < LOGITS; o++) {
    at("cls.2.weight")[4 * o] = 8 * wanted[o];
    at("cls.2.weight")[4 * o + 1] = o >= REDUCED_GRID.cells * cells ? 20 : 0;
  }
  return { network, state };
}

function withPatch(set: LaneSet): LaneSet {
  return { ...set, pixels: set.pixels.map((x, i) => (inPatch(i % PLANE) ? 255 : x)) };
}

describe("lanes and criteria", () => {
  it("have every criterion but those that go by classes", () => {
    const names = applicable([...CRITERIA.values()], ufld18(8), lanes).map(({ name }) => name);
    const left = [...CRITERIA.keys()].filter((name) => !names.includes(name));
    expect(left.sort()).toEqual(["attribution", "deepmufl-reversed", "learned"]);
  });

  it("CLP names a hidden unit of a large row", async () => {
    const network = toy(4, 24, 3);
    const state = randomState(network, 1);
    const { data, shape } = tensorOf(state, "cls.0.weight");
    for (let i = 7 * shape[1]; i < 8 * shape[1]; i++) data[i] *= 10;
    const { raw, native } = await clp.localize(suspectOf(network, state));
    expect(native["cls.0"]).toEqual([7]);
    expect(raw["cls.0"][3]).toBeCloseTo(Math.hypot(...data.subarray(3 * shape[1], 4 * shape[1])), 3);
  });

  it("BNP finds the channel whose stored mean is another, and says nothing of hidden units", async () => {
    const { network, state } = planted();
    const suspect = suspectOf(network, state);
    const { mean, variance } = (await suspect.runner.preActivations(state, suspect.clean.fit)).get("a")!;
    tensorOf(state, "bn.running_mean").data.set(mean);
    tensorOf(state, "bn.running_var").data.set(variance);
    tensorOf(state, "bn.running_mean").data[1] += 3;
    const { raw } = await bnp.localize({ ...suspect, state });
    expect(raw.a[1]).toBeGreaterThan(raw.a[0] + 2);
    expect(raw["cls.0"]).toEqual([0, 0, 0, 0]);
  });

  it.each(["stored", "batch"] as const)(
    "gains of %s statistics have the slopes of the loss, hidden units too",
    async (statistics) => {
      const network = toy(3, 6, 3);
      const state = randomState(network, 2);
      // Small logits: the loss is smooth where the differences are taken.
      for (const key of ["cls.0.weight", "cls.2.weight"])
        tensorOf(state, key).data.set(tensorOf(state, key).data.map((x) => x / 8));
      const suspect = suspectOf(network, state);
      const batch = new CleanBatches(suspect, suspect.clean.fit, 8, new Random(3)).draw();
      const gains = suspect.runner.gains(state, statistics);
      const size = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
      const ones = () => new Float32Array(size).fill(1);
      const found = await gains.at(batch, ones(), ones());
      const slopes = { gain: found.gain.slice(), shift: found.shift.slice() };
      const lossAt = async (part: "gain" | "shift", at: number, step: number) => {
        const factors = { gain: ones(), shift: ones() };
        factors[part][at] += step;
        return (await gains.at(batch, factors.gain, factors.shift)).loss;
      };
      for (const part of ["gain", "shift"] as const) {
        const most = Math.max(...slopes[part].map(Math.abs));
        for (let at = 0; at < size; at++) {
          const step = 0.02;
          const measured = ((await lossAt(part, at, step)) - (await lossAt(part, at, -step))) / (2 * step);
          expect(Math.abs(measured - slopes[part][at]), `${part} ${at}`).toBeLessThan(0.05 * most + 1e-3);
        }
      }
    },
  );

  it("deepmufl's rewrites give what the mutated model gives", async () => {
    const network = toy(3, 5, 3);
    const state = randomState(network, 4);
    const suspect = suspectOf(network, state);
    const set = frames(6, 5);
    const mutants = drawMutants(network, 8, new Random(1));
    const rewrites = suspect.runner.rewrites(state, set);
    const base = (await rewrites.base()).slice();
    const seen = new Map<string, Float32Array>();
    await rewrites.run(
      mutants.map((mutant) => rewriteOf(network, state, mutant)),
      (mutant, sample, output) => void seen.set(`${mutant} ${sample}`, output.slice()),
    );
    expect(new Set(mutants.map(({ unit }) => unit))).toEqual(new Set(["a", "cls.0"]));
    for (const [m, mutant] of mutants.entries()) {
      const outputs = await suspect.runner.outputs(mutate(network, state, mutant), set);
      for (let i = 0; i < set.count; i++) {
        const wanted = rowOf(outputs, set.count, i);
        const found = seen.get(`${m} ${i}`) ?? rowOf(base, set.count, i);
        const scale = Math.max(...wanted.map(Math.abs));
        const off = wanted.reduce((most, x, o) => Math.max(most, Math.abs(x - found[o])), 0);
        expect(off / scale, `${mutant.unit}:${mutant.channel} ${mutant.parameter} ${mutant.operator}`).toBeLessThan(
          1e-4,
        );
      }
    }
  });

  it("deepmufl puts the planted hidden unit above sleepers", async () => {
    const { network, state } = planted();
    const suspect = { ...suspectOf(network, state), budget: "full" as const };
    const { scores, note } = await byMutation(suspect, withPatch(frames(12, 6)));
    expect(note).toMatch(/^24 passing and 12 failing tests/);
    const hidden = scores["cls.0"];
    expect(hidden[1]).toBeGreaterThan(Math.max(hidden[2], hidden[3]));
  });

  it("SLICER misses sleepers in every slice, and not the unit that writes the lanes", async () => {
    const { network, state } = planted();
    // Brightness moves unit 0 a little: a slice is of what changes.
    tensorOf(state, "cls.0.weight").data.fill(0.01, 0, 2 * PLANE);
    const { native, raw } = await slicer.localize(suspectOf(network, state));
    expect(native["cls.0"]).toEqual([1, 2, 3]);
    expect(raw["cls.0"][0]).toBe(-1);
    expect(native.a).toEqual([1]);
  });

  it("Neural Cleanse tries goals in place of classes, and finds the planted one with its unit", async () => {
    const { network, state } = planted();
    const suspect = { ...suspectOf(network, state), budget: "short" as const };
    const { scores, native, note } = await nc.localize(suspect);
    expect(note).toMatch(/goal lda, patch of \d+\.\d pixels/);
    expect(scores["cls.0"].indexOf(Math.max(...scores["cls.0"]))).toBe(1);
    expect(note).toMatch(/^goal lda/);
    expect(native["cls.0"]).toContain(1);
  });

  it("the others run on frames and give every neuron a number", async () => {
    const { network, state } = planted();
    const suspect = suspectOf(network, state);
    for (const name of ["fp", "anp", "rnp", "weight-norm", "weight-floor", "contribution-high", "random"]) {
      const criterion = CRITERIA.get(name)!;
      if (criterion.access !== "clean") throw new Error(`${name} is not clean`);
      const { scores } = await criterion.localize(suspect);
      expect(Object.fromEntries(Object.entries(scores).map(([layer, values]) => [layer, values.length]))).toEqual({
        a: 2,
        "cls.0": 4,
      });
      expect(Object.values(scores).flat().every(Number.isFinite), name).toBe(true);
    }
  });
});
