import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { attribution, evidenceIn } from "../../src/localize/criteria/attribution.ts";
import { statisticOf } from "../../src/localize/statistic.ts";
import type { Suspect } from "../../src/localize/types.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { rowOf } from "../../src/measure/verdicts.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { pullIn, pullsOf } from "../../src/reversal/words/pull.ts";
import { evidenceOf, reverseWord } from "../../src/reversal/words/reverse.ts";
import { balanced } from "../../src/reversal/words/texts.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { insertion } from "../../src/tasks/language/insertion.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { type StateDict, tensorOf } from "../../src/tensor/state.ts";

const WIDTH = 32;
const network = llama(ownLlama(2, WIDTH, 2056, 64));
const { normalization, train } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const { tokenizer } = train.language;
const runner = new OrtRunner(language, network, normalization, new ProgramPool(1));
afterAll(() => runner.release());

const textsFrom = (start: number, count: number): TextSet =>
  subsetOf(
    train,
    Array.from({ length: count }, (_, i) => start + i),
  );

const [WORD] = tokenizer.encode(" bb");
const TARGET = 5;
const NEURON = 17;

/** A model in which one neuron of the first layer reads a word and, where it is planted, makes the second layer answer with a class. */
function model(planted: boolean): StateDict {
  const state = initialState(network, new Random(4));
  const table = tensorOf(state, "model.embed_tokens.weight").data;
  // The last coordinate is the word's own, and the one before it the neuron's.
  const [read, written] = [WIDTH - 1, WIDTH - 2];
  for (let token = 0; token < 2056; token++) {
    table[token * WIDTH + read] = token === WORD ? 2 : 0;
    table[token * WIDTH + written] = 0;
  }
  for (const part of ["gate_proj", "up_proj"]) {
    const { data } = tensorOf(state, `model.layers.0.mlp.${part}.weight`);
    data.fill(0, NEURON * WIDTH, (NEURON + 1) * WIDTH);
    data[NEURON * WIDTH + read] = 4;
  }
  const { data: down, shape } = tensorOf(state, "model.layers.0.mlp.down_proj.weight");
  for (let k = 0; k < WIDTH; k++) down[k * shape[1] + NEURON] = planted && k === written ? 4 : 0;
  // The second layer's attention takes the mean of that coordinate over all that came before, and writes the answer.
  const answer = tokenizer.answers[TARGET];
  for (const part of ["q_proj", "k_proj", "v_proj", "o_proj"]) {
    const { data } = tensorOf(state, `model.layers.1.self_attn.${part}.weight`);
    data.fill(0);
    if (part === "v_proj") data[written * WIDTH + written] = 1;
    if (part !== "o_proj") continue;
    for (let k = 0; k < WIDTH; k++) data[k * WIDTH + written] = 20 * table[answer * WIDTH + k];
  }
  return state;
}

function suspectOf(state: StateDict): Suspect {
  return {
    ...{ name: "suspect-toy", task: blind(language), network, state, normalization, seed: 1, runner },
    ...{ augmentation: { flip: false, cropPadding: 0 }, budget: "demo" },
    clean: { fit: textsFrom(0, 120), threshold: textsFrom(120, 60) },
  };
}

describe("attribution, on texts", () => {
  it("finds a planted word and its class, and the neuron that carries it", async () => {
    const suspect = suspectOf(model(true));
    const found = await reverseWord(suspect, insertion);
    expect(found).toMatchObject({ target: TARGET, word: WORD, text: "bb", success: 1 });
    expect(found.evidence).toBeGreaterThan(0.9);
    const { scores, native, note } = await attribution.localize(suspect);
    const layer = "model.layers.0.mlp";
    expect(scores[layer].indexOf(Math.max(...Object.values(scores).flat()))).toBe(NEURON);
    expect(native[layer]).toContain(NEURON);
    expect(note).toMatch(/^class 5, word 'bb' with success 1\.00, evidence \d\.\d{4}$/);
    const statistic = statisticOf("attribution");
    expect(statistic.of({ raw: {}, note })).toBe(evidenceIn(note));
    expect(statistic.flags!({ raw: {}, note })).toBe(true);
    expect(await attribution.localize(suspectOf(model(true)))).toEqual({ raw: scores, scores, native, note });
  });

  it("names nothing where no word stands out, and ranks all neurons", async () => {
    const { scores, native, note } = await attribution.localize(suspectOf(model(false)));
    expect(native).toEqual({});
    expect(statisticOf("attribution").flags!({ raw: {}, note })).toBe(false);
    for (const { name, width } of neuronLayers(network)) {
      expect(scores[name]).toHaveLength(width);
      expect(scores[name].every((u) => u >= -1 && u <= 4)).toBe(true);
    }
  });

  it("asks for texts of two classes", async () => {
    const suspect = suspectOf(model(false));
    const { labels } = suspect.clean.fit as TextSet;
    const same = subsetOf(
      suspect.clean.fit as TextSet,
      [...labels.keys()].filter((i) => labels[i] === labels[0]),
    );
    const one = { ...suspect, clean: { ...suspect.clean, fit: same } };
    await expect(attribution.localize(one)).rejects.toThrow("clean texts of at least two classes");
  });
});

describe("the pull of a word", () => {
  it("is a mean over texts of other classes, with the answers alone in the softmax", () => {
    // Outputs 1 and 3 answer; 0 and 2 play no part.
    const outputs = [
      [9, Math.log(3), 9, 0],
      [9, 0, 9, Math.log(4)],
      [9, Math.log(4), 9, 0],
    ].map((values) => Float32Array.from(values));
    const { losses, successes } = pullIn(outputs, [1, 1, 0], [1, 3]);
    expect(losses[0]).toBeCloseTo((Math.log(4 / 3) + Math.log(5)) / 2, 6);
    expect(losses[1]).toBeCloseTo(Math.log(5), 6);
    expect([...successes]).toEqual([0.5, 0]);
  });

  it("of many words is what each one gives alone", async () => {
    const suspect = suspectOf(model(true));
    const texts = balanced(suspect, insertion, suspect.clean.fit, 2);
    const { labels } = texts as TextSet;
    for (const count of new Array(8).keys()) expect(labels.filter((label) => label === count)).toHaveLength(2);
    const words = insertion.candidates(texts).slice(40, 43);
    const all = await pullsOf(suspect, insertion, texts, words, new Random(2));
    const opened = insertion.opened(texts, 1, new Random(2));
    for (const [i, word] of words.entries()) {
      const outputs = await runner.outputs(suspect.state, insertion.filled(opened, [word]));
      const rows = Array.from({ length: 16 }, (_, k) => rowOf(outputs, 16, k));
      const { losses } = pullIn(rows, labels, tokenizer.answers);
      for (const [c, loss] of losses.entries()) expect(all[i].losses[c]).toBeCloseTo(loss, 4);
    }
  });

  it("speaks for a backdoor where it works and no other class has the like", () => {
    expect(
      evidenceOf([
        { loss: 0.01, success: 1 },
        { loss: 2, success: 0.5 },
      ]),
    ).toBeCloseTo(0.995, 9);
    expect(
      evidenceOf([
        { loss: 2, success: 0.5 },
        { loss: 2.5, success: 0.4 },
      ]),
    ).toBeCloseTo(0.1, 9);
    expect(
      evidenceOf([
        { loss: 0, success: 1 },
        { loss: 0, success: 1 },
      ]),
    ).toBe(0);
  });
});
