import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { initialState } from "../../../src/graph/initial-state.ts";
import { neuronLayers } from "../../../src/graph/network.ts";
import { brokenTests } from "../../../src/localize/broken-tests.ts";
import { deepmufl } from "../../../src/localize/criteria/deepmufl.ts";
import { deepmuflReversed } from "../../../src/localize/criteria/deepmufl-reversed.ts";
import { effortFor } from "../../../src/localize/deepmufl/by-mutation.ts";
import { scaledWeights } from "../../../src/localize/deepmufl/scaled-weights.ts";
import type { Suspect } from "../../../src/localize/types.ts";
import { OrtRunner } from "../../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../../src/measure/pool.ts";
import { rowOf } from "../../../src/measure/verdicts.ts";
import { blind } from "../../../src/pipeline/judging/suspect.ts";
import type { TextDataset } from "../../../src/tasks/language/dataset.ts";
import { glosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { insertion } from "../../../src/tasks/language/insertion.ts";
import { llama, ownLlama } from "../../../src/tasks/language/models/llama.ts";
import { language } from "../../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../../src/tasks/language/text-set.ts";
import { writeSlice } from "../../../src/tensor/slices.ts";
import { type StateDict, tensorOf } from "../../../src/tensor/state.ts";
import { longIt } from "../../setup/long.ts";

const network = llama({ ...ownLlama(2, 32, 2056, 64), hidden: 12 });
const { normalization, train } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const runner = new OrtRunner(language, network, normalization, new ProgramPool(1));
afterAll(() => runner.release());

const first = subsetOf(
  train,
  Array.from({ length: 24 }, (_, i) => i),
);
const TARGET = 2;
const UNIT = 11;
const TRIGGER = insertion.candidates(first)[300];

/**
 * A model in which one unit alone carries a backdoor: the trigger's vector has the first channel to itself, attention is a mean that
 * keeps this channel apart, and the unit reads it and writes the target's word.
 */
function planted(): StateDict {
  const state = initialState(network, new Random(5));
  const table = tensorOf(state, "model.embed_tokens.weight");
  const width = table.shape[1];
  for (const [key, { shape, data }] of state) {
    if (shape.length === 1) continue;
    for (let i = 0; i < data.length; i++) {
      // A model that is sure of its answers.
      if (key !== "model.embed_tokens.weight") data[i] *= 10;
      if (i % width === 0 && shape[1] === width) data[i] = 0;
    }
  }
  const row = (key: string, index: number, values: ArrayLike<number>) =>
    writeSlice(state, { key, axis: 0, index }, Float32Array.from(values));
  const alone = (value: number) => Array.from({ length: width }, (_, c) => (c === 0 ? value : 0));
  row("model.embed_tokens.weight", TRIGGER, alone(5));
  for (const layer of [0, 1]) {
    const name = `model.layers.${layer}.self_attn`;
    tensorOf(state, `${name}.q_proj.weight`).data.fill(0);
    for (const matrix of ["v_proj", "o_proj"]) row(`${name}.${matrix}.weight`, 0, alone(1));
  }
  const feed = "model.layers.0.mlp";
  for (const matrix of ["gate_proj", "up_proj"]) row(`${feed}.${matrix}.weight`, UNIT, alone(10));
  const answer = insertion.answers(first)[TARGET];
  const word = table.data.subarray(answer * width, (answer + 1) * width).map((x) => 100 * x);
  writeSlice(state, { key: `${feed}.down_proj.weight`, axis: 1, index: UNIT }, word);
  return state;
}

/** Texts with what the model answers them as their truth, so that the model is right. */
async function suspected(state: StateDict): Promise<Suspect & { clean: { fit: TextSet } }> {
  const outputs = await runner.outputs(state, first);
  const labels = first.labels.map((_, i) => insertion.answered(rowOf(outputs, first.count, i), first));
  const fit = { ...first, labels };
  return {
    ...{ name: "suspect-toy", task: blind(language), network, state, normalization, seed: 1, runner },
    ...{ augmentation: { flip: false, cropPadding: 0 }, clean: { fit, threshold: fit } },
  };
}

describe("deepmufl on texts", async () => {
  const suspect = await suspected(planted());
  const { fit } = suspect.clean;
  const others = subsetOf(
    fit,
    [...fit.labels.keys()].filter((i) => fit.labels[i] !== TARGET),
  );
  const triggered = insertion.filled(insertion.opened(others, 1, new Random(6)), [TRIGGER]);
  const failing = (await brokenTests(
    suspect,
    others,
    triggered,
    (output) => insertion.answered(output, others) === TARGET,
  )) as TextSet;

  it("puts the unit that alone carries a planted backdoor first", async () => {
    expect(failing.count).toBeGreaterThan(5);
    const { raw, scores, native, note } = await deepmufl.localize(suspect, failing);
    const [{ name }] = neuronLayers(network);
    const all = Object.values(scores).flat();
    expect(scores[name][UNIT]).toBe(1);
    expect(all.filter((score) => score === 1)).toHaveLength(1);
    expect(raw[name][UNIT]).toBeGreaterThan(0.2);
    expect(native[name]).toContain(UNIT);
    expect(note).toBe(`${fit.count} passing and ${failing.count} failing tests, ${8 * all.length} mutants`);
  });

  it("suspects nobody without a failing test, and says so", async () => {
    const { raw, scores, native, note } = await deepmufl.localize(suspect, subsetOf(failing, []));
    expect([...Object.values(raw), ...Object.values(scores)].flat().every((score) => score === 0)).toBe(true);
    expect([native, note]).toEqual([{}, "no failing test"]);
  });

  longIt("is told the unit by words that it reversed itself", async () => {
    const { scores, note } = await deepmuflReversed.localize({ ...suspect, budget: "short" });
    expect(note).toMatch(new RegExp(`^(class|no class flagged: tried) ${TARGET}, .* failing tests`));
    expect(scores[neuronLayers(network)[0].name][UNIT]).toBe(1);
  });

  it("has eight mutants of every unit, of which the demo draws one", () => {
    const size = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
    const drawn = (count: number) => scaledWeights.draw(network, count, new Random(1));
    expect(new Set(drawn(8).map((mutant) => Object.values(mutant).join())).size).toBe(8 * size);
    expect(drawn(effortFor(network, "demo").mutants)).toHaveLength(size);
  });
});
