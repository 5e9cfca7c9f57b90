import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { type Network, neuronLayers } from "../../src/graph/network.ts";
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
import { ufld18 } from "../../src/tasks/lanes/models/ufld18.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import { longIt } from "../setup/long.ts";
import { darkFrames, laneToy, plantedLanes, SMALL, withPatch } from "./lane-toys.ts";

const PLANE = SMALL.height * SMALL.width;
const NORMALIZATION: Suspect["normalization"] = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

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
    clean: { fit: darkFrames(24, 1), threshold: darkFrames(16, 2) },
    budget: "demo",
  };
}

describe("lanes and criteria", () => {
  it("have every criterion but those that go by classes", () => {
    const names = applicable([...CRITERIA.values()], ufld18(8), lanes).map(({ name }) => name);
    const left = [...CRITERIA.keys()].filter((name) => !names.includes(name));
    expect(left.sort()).toEqual(["attribution", "deepmufl-reversed", "learned"]);
  });

  it("CLP names a hidden unit of a large row", async () => {
    const network = laneToy(4, 24, 3);
    const state = randomState(network, 1);
    const { data, shape } = tensorOf(state, "cls.0.weight");
    for (let i = 7 * shape[1]; i < 8 * shape[1]; i++) data[i] *= 10;
    const { raw, native } = await clp.localize(suspectOf(network, state));
    expect(native["cls.0"]).toEqual([7]);
    expect(raw["cls.0"][3]).toBeCloseTo(Math.hypot(...data.subarray(3 * shape[1], 4 * shape[1])), 3);
  });

  it("BNP finds the channel whose stored mean is another, and says nothing of hidden units", async () => {
    const { network, state } = plantedLanes();
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
      const network = laneToy(3, 6, 3);
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
    const network = laneToy(3, 5, 3);
    const state = randomState(network, 4);
    const suspect = suspectOf(network, state);
    const set = darkFrames(6, 5);
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
    const { network, state } = plantedLanes();
    const suspect = { ...suspectOf(network, state), budget: "full" as const };
    const { scores, note } = await byMutation(suspect, withPatch(darkFrames(12, 6)));
    expect(note).toMatch(/^24 passing and 12 failing tests/);
    const hidden = scores["cls.0"];
    expect(hidden[1]).toBeGreaterThan(Math.max(hidden[2], hidden[3]));
  });

  it("SLICER misses sleepers in every slice, and not the unit that writes the lanes", async () => {
    const { network, state } = plantedLanes();
    // Brightness moves unit 0 a little: a slice is of what changes.
    tensorOf(state, "cls.0.weight").data.fill(0.01, 0, 2 * PLANE);
    const { native, raw } = await slicer.localize(suspectOf(network, state));
    expect(native["cls.0"]).toEqual([1, 2, 3]);
    expect(raw["cls.0"][0]).toBe(-1);
    expect(native.a).toEqual([1]);
  });

  longIt("Neural Cleanse tries goals in place of classes, and finds the planted one with its unit", async () => {
    const { network, state } = plantedLanes();
    const suspect = { ...suspectOf(network, state), budget: "full" as const };
    suspect.clean = { ...suspect.clean, fit: darkFrames(64, 7) };
    const { scores, native, note } = await nc.localize(suspect);
    expect(note).toMatch(/goal lda, patch of \d+\.\d pixels/);
    expect(scores["cls.0"].indexOf(Math.max(...scores["cls.0"]))).toBe(1);
    expect(note).toMatch(/^goal lda/);
    expect(native["cls.0"]).toContain(1);
  });

  it("the others run on frames and give every neuron a number", async () => {
    const { network, state } = plantedLanes();
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
