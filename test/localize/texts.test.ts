import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { neuronLayers, unitsOf } from "../../src/graph/network.ts";
import { anp } from "../../src/localize/criteria/anp.ts";
import { recover, rnp, unlearn } from "../../src/localize/criteria/rnp.ts";
import { slicer } from "../../src/localize/criteria/slicer.ts";
import { slicerFailing } from "../../src/localize/criteria/slicer-failing.ts";
import { slicesAgainst } from "../../src/localize/slicer/sliced.ts";
import type { Suspect } from "../../src/localize/types.ts";
import { CleanBatches } from "../../src/measure/clean-batches.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { rowOf } from "../../src/measure/verdicts.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { answered } from "../../src/tasks/language/answers.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { cloneState, type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { fakeRunner } from "./suspects.ts";

const network = llama(ownLlama(1, 32, 2056, 64));
const [layer] = neuronLayers(network);
const { normalization, train } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const runner = new OrtRunner(language, network, normalization, new ProgramPool(1));
afterAll(() => runner.release());

/** Texts with what a model answers them as their truth, so that the model is right. */
async function rightOn(state: StateDict, from: number, count: number): Promise<TextSet> {
  const set = subsetOf(
    train,
    Array.from({ length: count }, (_, i) => from + i),
  );
  const outputs = await runner.outputs(state, set);
  const { answers } = set.language.tokenizer;
  return { ...set, labels: Uint8Array.from(set.labels, (_, i) => answered(rowOf(outputs, count, i), answers)) };
}

/** A model that is sure of its answers. */
async function sureModel(): Promise<{ state: StateDict; clean: { fit: TextSet; threshold: TextSet } }> {
  const state = initialState(network, new Random(5));
  for (const [key, { shape, data }] of state) {
    if (shape.length > 1 && !/embed/.test(key)) for (let i = 0; i < data.length; i++) data[i] *= 10;
  }
  return { state, clean: { fit: await rightOn(state, 0, 64), threshold: await rightOn(state, 64, 32) } };
}

function suspectOf(state: StateDict, clean: Suspect["clean"]): Suspect {
  return {
    ...{ name: "suspect-toy", task: blind(language), network, state, normalization, seed: 1, runner, clean },
    ...{ augmentation: { flip: false, cropPadding: 0 }, budget: "demo" },
  };
}

/** The same model, in which one neuron writes far more than it should. @returns the neuron, the one of the largest activations */
async function loudened(state: StateDict, texts: TextSet): Promise<{ state: StateDict; neuron: number }> {
  const taps = await runner.taps(state, texts, "mean-abs");
  const means = new Float64Array(layer.width);
  for (const [i, value] of taps.get(layer.name)!.entries()) means[i % layer.width] += Math.abs(value);
  const neuron = means.indexOf(Math.max(...means));
  const changed = cloneState(state);
  const { key } = unitsOf(network)[0].owned.find(({ role }) => role === "outgoing")!;
  const { data } = tensorOf(changed, key);
  for (let i = neuron; i < data.length; i += layer.width) data[i] *= 30;
  return { state: changed, neuron };
}

describe("masks over feed-forward units", async () => {
  const { state, clean } = await sureModel();
  const planted = await loudened(state, clean.fit);
  const suspect = suspectOf(planted.state, clean);

  it("ANP closes one that spoils the answers, and few others", async () => {
    const found = await anp.localize(suspect);
    expect(found.native[layer.name]).toContain(planted.neuron);
    expect(found.native[layer.name].length).toBeLessThan(layer.width / 10);
    expect(await anp.localize(suspect)).toEqual(found);
  });

  it("RNP unlearns all but the words' vectors, and wins texts back by masks alone", async () => {
    const before = cloneState(suspect.state);
    const { state: unlearned } = await unlearn(suspect, 6);
    expect(suspect.state).toEqual(before);
    const changed = [...unlearned].flatMap(([key, { data }]) =>
      data.every((value, i) => value === tensorOf(before, key).data[i]) ? [] : [key],
    );
    expect(changed).toEqual([...before.keys()].filter((key) => key !== "model.embed_tokens.weight"));
    const masks = await recover(suspect, unlearned, 20);
    const gains = runner.gains(unlearned, "batch");
    const batch = new CleanBatches(suspect, clean.threshold, 32, new Random(7)).draw();
    const ones = new Float32Array(layer.width).fill(1);
    const open = (await gains.at(batch, ones, ones)).loss;
    expect((await gains.at(batch, masks, ones)).loss).toBeLessThan(open);
    expect((await rnp.localize(suspect)).raw[layer.name]).toHaveLength(layer.width);
  });
});

describe("slices by position", async () => {
  const { state, clean } = await sureModel();
  const { key } = unitsOf(network)[0].owned.find(({ role }) => role === "outgoing")!;
  /** The model, in which a neuron writes so many times what it should. */
  const writing = (neuron: number, factor: number): StateDict => {
    const changed = cloneState(state);
    const { data } = tensorOf(changed, key);
    for (let i = neuron; i < data.length; i += layer.width) data[i] *= factor;
    return changed;
  };

  it("a neuron's slopes are those of the asked output, at every position that it depends on", async () => {
    const few = subsetOf(clean.fit, [0, 1, 2]);
    const asked = [7, 300, 11];
    const neuron = 4;
    const dots: number[] = [];
    const reached: number[] = [];
    await runner.eachPosition(state, few, asked, (layers) => {
      const { activations, slopes } = layers.get(layer.name)!;
      const at = Array.from({ length: 64 }, (_, t) => t * layer.width + neuron);
      dots.push(at.reduce((sum, i) => sum + activations[i] * slopes[i], 0));
      reached.push(at.filter((i) => slopes[i] !== 0).length);
    });
    // No attention follows the only layer: the answer's position alone counts.
    expect(reached).toEqual([1, 1, 1]);
    const logits = async (factor: number) => {
      const outputs = await runner.outputs(writing(neuron, factor), few);
      return asked.map((output, i) => rowOf(outputs, 3, i)[output]);
    };
    const [above, below] = [await logits(1.1), await logits(0.9)];
    for (const [i, dot] of dots.entries()) expect((above[i] - below[i]) / 0.2 / dot).toBeCloseTo(1, 1);
  });

  it("SLICER names a neuron that writes nothing", async () => {
    const { raw, native } = await slicer.localize(suspectOf(writing(9, 0), clean));
    expect(native[layer.name]).toContain(9);
    expect(raw[layer.name][9]).toBe(0);
    expect(Math.max(...raw[layer.name])).toBe(0);
    expect(Math.min(...raw[layer.name])).toBeLessThan(-0.5);
  });

  it("counts signs of what is left, and suspects by failing tests what those alone owe their answer to", async () => {
    const width = layer.width;
    // Two positions, of which the answer depends on the second. Neuron 0 is as usual; 1 acts in failing tests alone; 2 hardly counts.
    const shown = (values: number[]) => {
      const at = (own: number[]) =>
        Float32Array.from({ length: 2 * width }, (_, i) => (i < width ? 0 : (own[i - width] ?? 0)));
      return new Map([[layer.name, { activations: at(values), slopes: at([1, -2, 0.1]) }]]);
    };
    const asked: number[] = [];
    const toy = fakeRunner({
      outputs: async (_, { count }) => Float32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 2 ? 1 : 0)),
      async eachPosition(_, { count }, outputs, visit) {
        asked.push(...Array.from(outputs));
        for (let i = 0; i < count; i++) visit(shown(count === 4 ? [i % 2 ? 1 : -1, 0, i % 2 ? -1 : 1] : [1, 4, 1]));
      },
    });
    const suspect = {
      ...suspectOf(state, { fit: subsetOf(clean.fit, [0, 1, 2, 3]), threshold: clean.threshold }),
      runner: toy,
    };
    const sliced = await slicesAgainst(suspect, suspect.clean.fit);
    expect(asked).toEqual(new Array(8).fill(2));
    const usual = sliced.ofClean().get(layer.name)!;
    expect([...usual.strength.subarray(0, 3)]).toEqual([1, 0, 0]);
    expect([...usual.absent.subarray(0, 3)]).toEqual([0, 1, 1]);
    const { raw, native } = await slicerFailing.localize(suspect, subsetOf(clean.fit, [0, 1]));
    // |4·(−2)| is so much that the smaller terms come to less than θ of all.
    expect(raw[layer.name].slice(0, 3)).toEqual([-1, 1, 0]);
    expect(native[layer.name]).toContain(1);
    expect((await slicerFailing.localize(suspect, subsetOf(clean.fit, []))).native).toEqual({});
  });
});
