import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import type { Samples } from "../../../src/core/samples.ts";
import { type Network, unitsOf } from "../../../src/graph/network.ts";
import { atPositions } from "../../../src/graph/programs/language.ts";
import { sliceOf, type Unit } from "../../../src/graph/units.ts";
import { scaledWeights } from "../../../src/localize/deepmufl/scaled-weights.ts";
import { maskNeurons } from "../../../src/measure/mask.ts";
import type { UnitScaling } from "../../../src/measure/mutants/scaled-units.ts";
import { OrtRunner } from "../../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../../src/measure/pool.ts";
import { rowOf } from "../../../src/measure/verdicts.ts";
import { language } from "../../../src/tasks/language/task.ts";
import { readSlice, writeSlice } from "../../../src/tensor/slices.ts";
import { cloneState, type StateDict } from "../../../src/tensor/state.ts";
import { DECODERS, randomSequences } from "../../graph/decoders.ts";
import { randomState, relativeError } from "../../graph/programs.ts";

const runners: OrtRunner[] = [];
afterAll(async () => {
  for (const runner of runners) await runner.release();
});

interface Sequences extends Samples {
  values: Float32Array;
}

/** A runner of sequences that are encoded already. */
function runnerOf(network: Network): OrtRunner {
  const size = 2 * network.input.height;
  const encoder = () => ({
    size,
    write: (samples: Samples, index: number, out: Float32Array, at: number) =>
      out.set((samples as Sequences).values.subarray(index * size, (index + 1) * size), at),
  });
  const task = { ...language, inputs: { ...language.inputs, encoder } };
  const runner = new OrtRunner(task, network, { mean: [0, 0, 0], std: [1, 1, 1] }, new ProgramPool(1));
  runners.push(runner);
  return runner;
}

/** What the model puts out under every scaling, the unchanged outputs where nothing was visited. */
async function byScaling(runner: OrtRunner, state: StateDict, samples: Sequences, scalings: readonly UnitScaling[]) {
  const rewrites = runner.scalings(state, samples);
  const base = (await rewrites.base()).slice();
  const found = scalings.map(() => base.slice());
  let visits = 0;
  await rewrites.run(scalings, (i, sample, output) => {
    found[i].set(output, sample * runner.network.classes);
    visits++;
  });
  return { base, found, visits };
}

/** The model whose weights are really multiplied. */
function scaled(unit: Unit, state: StateDict, { channel, weights, factor }: UnitScaling): StateDict {
  const changed = cloneState(state);
  const role = weights === "read" ? "weight" : "outgoing";
  const slice = sliceOf(unit.owned.find((share) => share.role === role)!, channel);
  const values = readSlice(changed, slice).map((w) => factor * w);
  writeSlice(changed, slice, values);
  return changed;
}

const NETWORKS = [
  ...Object.entries(DECODERS).map(([name, network]) => [name, network, 3] as const),
  // More sequences than are computed at a time, short and long ones.
  ["Llama, many sequences", atPositions(DECODERS["Llama, two heads to a group, tied head"], 20), 70] as const,
];

describe.each(NETWORKS)("scaled feed-forward units: %s", (_, network, count) => {
  const state = randomState(network, 41);
  const samples: Sequences = { count, values: randomSequences(network, count, 42) };
  const runner = runnerOf(network);
  const chosen = count === 3 ? [3, 17, 39] : [17];
  const mutants = scaledWeights.draw(network, 8, new Random(1)).filter(({ channel }) => chosen.includes(channel));

  it("give what the model with changed weights gives, by all eight mutants", async () => {
    expect(mutants).toHaveLength(unitsOf(network).length * chosen.length * 8);
    const { base, found, visits } = await byScaling(runner, state, samples, mutants);
    expect(visits).toBeGreaterThan(0.9 * mutants.length * count);
    for (const [i, mutant] of mutants.entries()) {
      const unit = unitsOf(network).find(({ id }) => id === mutant.unit)!;
      const wanted = await runner.outputs(scaled(unit, state, mutant), samples);
      expect(relativeError(found[i], wanted), JSON.stringify(mutant)).toBeLessThan(1e-4);
      expect(relativeError(base, wanted), JSON.stringify(mutant)).toBeGreaterThan(1e-3);
    }
  });

  it("times 0 are masked units", async () => {
    const closed = mutants.filter(({ weights, factor }) => weights === "written" && factor === 0);
    const { found } = await byScaling(runner, state, samples, closed);
    for (const [i, { unit, channel }] of closed.entries()) {
      const masked = await runner.outputs(maskNeurons(network, state, { [unit]: [channel] }), samples);
      expect(relativeError(found[i], masked)).toBeLessThan(1e-4);
    }
  });
});

it("a unit that writes nothing, and sequences in which a unit is silent, are left out", async () => {
  const network = DECODERS["GPT-2"];
  const samples: Sequences = { count: 3, values: randomSequences(network, 3, 43) };
  const runner = runnerOf(network);
  const [unit] = unitsOf(network);
  const state = randomState(network, 44);
  const [read, bias] = ["weight", "bias"].map((role) => sliceOf(unit.owned.find((share) => share.role === role)!, 5));
  for (const slice of [read, bias]) writeSlice(state, slice, readSlice(state, slice).fill(0));
  const of = { unit: unit.id, channel: 5 };
  const { visits, base, found } = await byScaling(runner, state, samples, [
    { ...of, weights: "read", factor: 2 },
    { ...of, weights: "written", factor: -1 },
  ]);
  expect(visits).toBe(0);
  for (const outputs of found) expect(rowOf(outputs, 3, 1)).toEqual(rowOf(base, 3, 1));
});
