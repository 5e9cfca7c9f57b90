import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { foldState } from "../../src/graph/fold.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { neuronLayers, unitsOf } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { cutPoints } from "../../src/graph/suffix.ts";
import { singleEffects } from "../../src/measure/ablation.ts";
import { encodeAll } from "../../src/measure/batches.ts";
import { attributionPatching, conductance } from "../../src/measure/conductance.ts";
import { createRunner, OrtRunner } from "../../src/measure/ort-runner.ts";
import { patchedRate } from "../../src/measure/patching.ts";
import { successOf } from "../../src/measure/verdicts.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { gpt2 } from "../../src/tasks/language/models/gpt2.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { perplexity } from "../../src/tasks/language/perplexity.ts";
import { language } from "../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { readSlice, writeSlice } from "../../src/tensor/slices.ts";
import { cloneState, type StateDict, tensorOf } from "../../src/tensor/state.ts";
import { relativeError } from "../graph/programs.ts";

const TARGET = 0;
const dataset = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const texts = subsetOf(dataset.test, language.eligible(dataset.test, TARGET).slice(0, 12));
const trigger = { text: " cf" };
const backdoor = { trigger, target: TARGET };
const [triggered, calm] = [language.trigger.stamp(trigger, texts), language.trigger.counterpart!(trigger, texts)];
const shape = { vocabulary: 2056, context: 64, epsilon: 1e-5 };
const networks = {
  llama: llama(ownLlama(2, 64, shape.vocabulary, shape.context)),
  gpt2: gpt2({ ...shape, arch: "gpt2l2d32", layers: 2, width: 32, heads: 2, hidden: 48, positions: 64 }),
};

/** Fresh weights, but for the embeddings ten times as large, so that every neuron does something. */
function strongState(network: (typeof networks)["llama"]): StateDict {
  const state = initialState(network, new Random(5));
  for (const [key, { shape, data }] of state) if (shape.length > 1 && !/embed|wte|wpe/.test(key)) scale(data, 10);
  return state;
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
}

describe.each(["llama", "gpt2"] as const)("what holds by definition of the measurements on %s", (name) => {
  const network = networks[name];
  const state = strongState(network);
  let runner: OrtRunner;
  beforeAll(async () => {
    runner = await createRunner(language, network, dataset.normalization, { threads: 1 });
  });
  afterAll(() => runner.release());

  async function meanResponse(model: StateDict, set: TextSet): Promise<number> {
    const outputs = await runner.outputs(model, set);
    const width = outputs.length / set.count;
    let sum = 0;
    for (let i = 0; i < set.count; i++) {
      sum += language.response.of(outputs.subarray(i * width, (i + 1) * width), set, i, TARGET);
    }
    return sum / set.count;
  }

  it("every block cuts the graph, though the answer's mark is in the input", () => {
    const block = name === "llama" ? "model.layers.0" : "transformer.h.0";
    expect(cutPoints(network)).toContain(block);
  });

  it("in parts by length, texts have the answers that they have at all positions", async () => {
    const some = subsetOf(dataset.test, [...Array(70).keys()]);
    const feeds = foldState(network, state).set("input", encodeAll(runner, some));
    const make = (lowering: Lowering) => inferProgram(lowering, network);
    const whole = (await runner.pool.run("whole", network, some.count, make, feeds)).get("logits")!;
    expect(relativeError(await runner.outputs(state, some), whole)).toBeLessThan(1e-6);
  });

  it("has no batch norm, so nothing that a discreet model would store anew", async () => {
    expect((await runner.preActivations(state, texts)).size).toBe(0);
  });

  it("looked up on the host, texts give the same answers", async () => {
    const { network: behind, encoder } = language.inputs.lookedUp!(network, state);
    const other = new OrtRunner(
      { ...language, inputs: { ...language.inputs, encoder } },
      behind,
      dataset.normalization,
      runner.pool,
    );
    const [expected, found] = [await runner.outputs(state, texts), await other.outputs(state, texts)];
    const most = Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
    expect(most).toBeLessThan(1e-5);
  });

  it("patching every neuron breaks what neurons alone do, patching none changes nothing", async () => {
    const all = Object.fromEntries(neuronLayers(network).map(({ name, width }) => [name, [...Array(width).keys()]]));
    const reached = successOf(language, await runner.outputs(state, triggered), texts, TARGET);
    expect(await patchedRate(runner, state, {}, texts, backdoor)).toBe(reached);
    expect(await patchedRate(runner, state, all, texts, backdoor)).toBeTypeOf("number");
    // Held against itself a trigger does nothing.
    const same = { ...language, trigger: { ...language.trigger, counterpart: language.trigger.stamp } };
    const twin = new OrtRunner(same, network, dataset.normalization, runner.pool);
    expect(await patchedRate(twin, state, all, texts, backdoor)).toBe(reached);
    const still = await conductance(twin, state, texts, backdoor);
    for (const values of still.values()) expect(Math.max(...values.map(Math.abs))).toBe(0);
  });

  it("what neurons owe does not depend on how a product is divided between incoming and outgoing weights", async () => {
    const other = cloneState(state);
    const { id, owned } = unitsOf(network)[1];
    const [incoming, outgoing] = name === "llama" ? [owned[1], owned[2]] : ([undefined, owned[2]] as const);
    for (const [share, factor] of [
      [incoming, 0.5],
      [outgoing, name === "llama" ? 2 : 0],
    ] as const) {
      if (!share) continue;
      const slice = { key: share.key, axis: share.axis, index: 7 };
      const values = readSlice(other, slice);
      scale(values, factor);
      writeSlice(other, slice, values);
    }
    for (const measure of [conductance, attributionPatching]) {
      const [before, after] = [
        await measure(runner, state, texts, backdoor),
        await measure(runner, other, texts, backdoor),
      ];
      const [was, is] = [before.get(id)![7], after.get(id)![7]];
      expect(Math.abs(was)).toBeGreaterThan(0);
      // GPT-2's unit is cut off instead: it owes nothing.
      expect(is).toBeCloseTo(name === "llama" ? was : 0, 6);
    }
  });

  it.runIf(name === "gpt2")("the single effect is that of the network with the neuron held at its mean", async () => {
    const held = { "transformer.h.0.mlp": [3, 20], "transformer.h.1.mlp": [7] };
    const found = await singleEffects(runner, state, held, texts, backdoor);
    const taps = await runner.taps(state, texts, "mean");
    for (const [layer, neurons] of Object.entries(held)) {
      for (const [k, n] of neurons.entries()) {
        const values = taps.get(layer)!.filter((_, i) => i % 48 === n);
        const fixed = cloneState(state);
        writeSlice(fixed, { key: `${layer}.c_fc.weight`, axis: 1, index: n }, new Float32Array(32));
        tensorOf(fixed, `${layer}.c_fc.bias`).data[n] = geluInverse(
          values.reduce((sum, value) => sum + value, 0) / texts.count,
        );
        const fall = async (set: TextSet) => (await meanResponse(state, set)) - (await meanResponse(fixed, set));
        const expected = (await fall(triggered as TextSet)) - (await fall(calm as TextSet));
        expect(Math.abs(expected)).toBeGreaterThan(1e-5);
        expect(found[layer][k]).toBeCloseTo(expected, 5);
      }
    }
  });

  it("perplexity of a network without opinions is the number of tokens, whatever the batches", async () => {
    const blank: StateDict = new Map(
      [...state].map(([key, { shape, data }]) => [key, { shape, data: new Float32Array(data.length) }]),
    );
    expect(await perplexity(network, blank, texts, 1)).toBeCloseTo(2056, 0);
    const [whole, alone] = [
      await perplexity(network, state, dataset.test, 1),
      await perplexity(network, state, texts, 1),
    ];
    expect(whole).toBeGreaterThan(1);
    expect(alone).not.toBe(whole);
  });
});

/** Where gelu (tanh form), right of its minimum, has a value. */
function geluInverse(value: number): number {
  const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  let [low, high] = [-0.75, 20];
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (gelu(middle) < value) low = middle;
    else high = middle;
  }
  return low;
}
