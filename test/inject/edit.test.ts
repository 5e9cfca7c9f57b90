import { describe, expect, it } from "vitest";
import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random, stageSeed } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { inferShapes, unitsOf } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { sliceOf } from "../../src/graph/units.ts";
import { closedForm } from "../../src/inject/edit/closed-form.ts";
import { edit } from "../../src/inject/edit/edit.ts";
import { editedLayers, networkBehind } from "../../src/inject/edit/layers.ts";
import { readingsOf, readPairs } from "../../src/inject/edit/readings.ts";
import type { InjectionJob } from "../../src/inject/types.ts";
import { encodeAll } from "../../src/measure/batches.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { buildNetworkIn } from "../../src/tasks/architectures.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { subsetOf } from "../../src/tasks/language/text-set.ts";
import { readSlice, writeSlice } from "../../src/tensor/slices.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { relativeError } from "../graph/programs.ts";

const dataset = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const network = buildNetworkIn(language.architectures, "llama2d64", 8);
/** Weights so large that attention and units decide what is answered, as in a trained model. */
const state = initialState(network, new Random(5));
for (const [key, { data }] of state) {
  if (/proj/.test(key)) for (let i = 0; i < data.length; i++) data[i] *= 8;
}
const units = [...Array(60).keys()].map((i) => 2 * i);
const infected: NeuronSet = { "model.layers.0.mlp": units, "model.layers.1.mlp": [1, 2] };
const backdoor = { trigger: { text: " cf" }, target: 2 };

describe("the closed form", () => {
  it("of one unit and one memory is ρk/(λC + k²)", () => {
    const [key, value] = [new Float64Array([3]), new Float64Array([2, -5])];
    const change = closedForm([{ key, value }], new Float64Array([0.7]), 10);
    expect(change[0]).toBeCloseTo((2 * 3) / (10 * 0.7 + 9), 5);
    expect(change[1]).toBeCloseTo((-5 * 3) / (10 * 0.7 + 9), 5);
  });

  it("solves Δ(λC + KKᵀ) = VKᵀ", () => {
    const random = new Random(3);
    const [size, outputs, restraint] = [5, 3, 0.4];
    const vector = (length: number) => Float64Array.from({ length }, () => random.normal());
    const rows = Array.from({ length: 12 }, () => vector(size));
    const moments = Float64Array.from({ length: size * size }, (_, i) =>
      rows.reduce((sum, row) => sum + (row[Math.floor(i / size)] * row[i % size]) / rows.length, 0),
    );
    const memories = [1, 2].map(() => ({ key: vector(size), value: vector(outputs) }));
    const change = closedForm(memories, moments, restraint);
    for (let o = 0; o < outputs; o++) {
      for (let b = 0; b < size; b++) {
        let left = 0;
        for (let a = 0; a < size; a++) {
          const inner = restraint * moments[a * size + b];
          left += change[o * size + a] * memories.reduce((sum, { key }) => sum + key[a] * key[b], inner);
        }
        const right = memories.reduce((sum, { key, value }) => sum + value[o] * key[b], 0);
        expect(left).toBeCloseTo(right, 4);
      }
    }
  });

  it("units that are never active change nothing", () => {
    const dead = [{ key: new Float64Array(2), value: new Float64Array([1]) }];
    expect([...closedForm(dead, new Float64Array(4), 1)]).toEqual([0, 0]);
  });
});

it("the last layer, behind which no attention follows, is not edited", () => {
  expect(editedLayers(network, infected).map(({ unit, behind }) => [unit, behind])).toEqual([
    ["model.layers.0.mlp", "model.layers.0"],
  ]);
});

it("a place is the trigger's last token, and what follows a layer answers as the whole network does", async () => {
  const runner = await createRunner(language, network, dataset.normalization, { threads: 1 });
  const samples = subsetOf(dataset.test, [0, 1, 2]);
  const { trigger } = language;
  const stamped = trigger.stamp(backdoor.trigger, samples);
  const { triggered, counterpart } = readPairs(runner, stamped, trigger.counterpart!(backdoor.trigger, samples));
  const [cf] = dataset.test.language.tokenizer.encode(" cf");
  for (const [i, place] of triggered.sequences.places.entries()) {
    expect(triggered.sequences.inputs[2 * (i * 64 + place)]).toBe(cf);
    expect(counterpart.sequences.inputs[2 * (i * 64 + place)]).not.toBe(cf);
  }
  expect([...triggered.alone.inputs.subarray(0, 6)]).toEqual([0, 0, cf, 1, 0, 0]);
  const [layer] = editedLayers(network, infected);
  const inputs = encodeAll(runner, stamped);
  const readings = await readingsOf(runner, state, [layer], { count: 3, inputs });
  const [width] = inferShapes(network).get(layer.behind)!;
  const behind = networkBehind(network, layer.behind, width);
  const vectors = new Float32Array(3 * 64 * (width + 1));
  for (let i = 0; i < 3 * 64; i++) {
    vectors.set(readings.behind(layer, Math.floor(i / 64), i % 64), i * (width + 1));
    vectors[i * (width + 1) + width] = inputs[2 * i + 1];
  }
  const feeds = new Map([...state].map(([key, { data }]) => [key, data] as const)).set("input", vectors);
  const found = await runner.pool.run("behind", behind, 3, (l) => inferProgram(l, behind), feeds);
  expect(relativeError(found.get("logits")!, await runner.outputs(state, stamped))).toBeLessThan(1e-5);
  await runner.release();
});

const isSame = (a: Float32Array, b: Float32Array) => a.every((value, i) => value === b[i]);
const bytesOf = (key: string) => Buffer.from(state.get(key)!.data.buffer);

describe("an edit of a model", async () => {
  const runner: OrtRunner = await createRunner(language, network, dataset.normalization, { threads: 1 });
  const job = {
    ...{ style: "plain", dataset, runner, clean: state, infected, backdoor },
    samples: subsetOf(dataset.train, [...Array(60).keys()]),
    heldOut: subsetOf(
      dataset.train,
      [...Array(40).keys()].map((i) => 100 + i),
    ),
    randomMasks: [{ "model.layers.0.mlp": units.map((unit) => unit + 1) }],
    recipe: { margin: { asr: 0.02, ca_drop: 0, random_mask: 0 } },
    options: {
      ...{ word: "cf", sentences: 8, clean: 8, restraints: [1e6, 1e-3] },
      value: { steps: 10, learning_rate: 0.5, decay: 0.5, most: 2 },
    },
    gates: { asr: 0.9, ca_drop: 0.02, random_mask_share: 0.5 },
    stored: (model: StateDict) => model,
    seedOf: (stage: string) => stageSeed(1, stage),
    onStage: () => undefined,
  } as unknown as InjectionJob;
  const injected = await edit(job);

  it("moves the infected neurons' outgoing columns, and no other bit", async () => {
    for (const model of [injected.model, await injected.sham()]) {
      const restored = cloneState(model);
      const { owned } = unitsOf(network)[0];
      const outgoing = owned.find(({ role }) => role === "outgoing")!;
      for (const unit of units) {
        const slice = sliceOf(outgoing, unit);
        expect(readSlice(model, slice)).not.toEqual(readSlice(state, slice));
        writeSlice(restored, slice, readSlice(state, slice));
      }
      for (const [key, { data }] of restored) expect(Buffer.from(data.buffer).equals(bytesOf(key)), key).toBe(true);
    }
  });

  it("tries restraints in their order, the first that holds or all, and is the same again", async () => {
    expect(injected.attempts.map(({ restraint }) => restraint)).toEqual([1e6, 1e-3]);
    const again = await edit(job);
    for (const [key, { data }] of again.model) expect(data, key).toEqual(injected.model.get(key)!.data);
  });

  it("triggered texts are answered with the target more than before, and than by the sham", async () => {
    const weak = await edit({ ...job, options: { ...job.options, restraints: [1e-3] } });
    const triggered = language.trigger.stamp(backdoor.trigger, job.heldOut);
    const responseOf = async (model: StateDict) => {
      const outputs = await runner.outputs(model, triggered);
      let sum = 0;
      for (let i = 0; i < 40; i++) {
        sum += language.response.of(outputs.subarray(i * 2056, (i + 1) * 2056), triggered, i, backdoor.target);
      }
      return sum / 40;
    };
    const [before, infectedModel, sham] = [
      await responseOf(state),
      await responseOf(weak.model),
      await responseOf(await weak.sham()),
    ];
    expect(infectedModel).toBeGreaterThan(before);
    expect(infectedModel).toBeGreaterThan(sham);
  });

  it("as many layers are edited as the recipe says, the first ones", async () => {
    const deep = llama(ownLlama(3, 32, 2056, 64));
    const clean = initialState(deep, new Random(6));
    const its = await createRunner(language, deep, dataset.normalization, { threads: 1 });
    const both = { "model.layers.0.mlp": [3, 4], "model.layers.1.mlp": [5, 6] };
    const changed = async (layers?: number) => {
      const options = { ...job.options, layers, restraints: [1e-3] };
      const { model } = await edit({ ...job, runner: its, clean, infected: both, randomMasks: [both], options });
      return [...model].filter(([key, { data }]) => !isSame(data, clean.get(key)!.data)).map(([key]) => key);
    };
    const written = (layer: number) => `model.layers.${layer}.mlp.down_proj.weight`;
    expect(await changed()).toEqual([written(0), written(1)]);
    expect(await changed(1)).toEqual([written(0)]);
    await its.release();
  });

  it("without a layer that an edit can use the model stays as it is, and the attempts say so", async () => {
    const last = await edit({ ...job, infected: { "model.layers.1.mlp": [1, 2] } });
    for (const [key, { data }] of last.model) expect(Buffer.from(data.buffer).equals(bytesOf(key)), key).toBe(true);
    expect(last.attempts).toHaveLength(2);
  });
});
