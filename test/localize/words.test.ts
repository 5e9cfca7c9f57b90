import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { anomalyIn, nc } from "../../src/localize/criteria/nc.ts";
import { type ClassWords, chooseWords, invertWords, successOfWords } from "../../src/localize/nc/invert-words.ts";
import { WordMixture } from "../../src/localize/nc/word-mixture.ts";
import type { Suspect } from "../../src/localize/types.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { insertion } from "../../src/tasks/language/insertion.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { slopeError } from "../graph/small-networks.ts";

const network = llama(ownLlama(2, 32, 2056, 64));
const { normalization, train } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const runner = new OrtRunner(language, network, normalization, new ProgramPool(1));
afterAll(() => runner.release());

const state = initialState(network, new Random(5));
for (const [key, { shape, data }] of state) {
  if (shape.length > 1 && !/embed/.test(key)) for (let i = 0; i < data.length; i++) data[i] *= 10;
}
const textsFrom = (start: number, count: number): TextSet =>
  subsetOf(
    train,
    Array.from({ length: count }, (_, i) => start + i),
  );
const suspect: Suspect = {
  ...{ name: "suspect-toy", task: blind(language), network, state, normalization, seed: 1, runner },
  ...{ augmentation: { flip: false, cropPadding: 0 }, budget: "demo" },
  clean: { fit: textsFrom(0, 40), threshold: textsFrom(40, 24) },
};

describe("words put into texts", () => {
  const few = textsFrom(100, 6);
  const opened = insertion.opened(few, 2, new Random(1));

  it("stand in a gap of each text, where the blanks were", () => {
    const [of, the] = [" of", " the"].map((word) => few.language.tokenizer.encode(word)[0]);
    const filled = insertion.filled(opened, [of, the]) as TextSet;
    for (const [i, own] of filled.tokens.entries()) {
      const at = opened.at[i] - 1;
      expect(own.slice(at, at + 2)).toEqual([of, the]);
      expect(own.toSpliced(at, 2)).toEqual(few.tokens[i]);
    }
    expect(insertion.shown(few, [of, the])).toBe("of the");
  });

  it("candidates are words, rare ones too, and no special tokens or answers", () => {
    const words = insertion.candidates(few).map((word) => insertion.shown(few, [word]));
    expect(words.length).toBeGreaterThan(500);
    expect(words).toContain("cf");
    expect(words.every((word) => /^[a-z]+$/.test(word))).toBe(true);
  });

  it("vectors of words give what the words give, and their slopes are those of the loss", async () => {
    const gradients = runner.words(state);
    const words = insertion.candidates(few).slice(7, 9);
    const vectors = Float32Array.from(words.flatMap((word) => [...gradients.vectorOf(word)]));
    const chosen = [0, 2, 3, 5];
    const answer = insertion.answers(few)[3];
    const found = await gradients.at(opened, chosen, answer, vectors);
    const own = await runner.outputs(state, subsetOf(insertion.filled(opened, words) as TextSet, chosen));
    for (const [i, value] of own.entries()) expect(Math.abs(found.outputs[i] - value)).toBeLessThan(1e-4);
    const { gradient } = found;
    const run = async () => (await gradients.at(opened, chosen, answer, vectors)).loss;
    expect(await slopeError(run, vectors, gradient, new Random(2))).toBeLessThan(0.03);
  });
});

it("a mixture is a mean of words' vectors, and cools to one word", async () => {
  const random = new Random(3);
  const table = Array.from({ length: 5 }, () => Float32Array.from({ length: 4 }, () => random.normal()));
  const mixture = new WordMixture([1, 2, 4], 2, { width: 4, vectorOf: (word) => table[word] }, random);
  for (let i = 0; i < 6; i++) mixture.parameters[i] = random.normal();
  const slope = Float32Array.from({ length: 8 }, () => random.normal());
  mixture.cool(0.7);
  const gradient = mixture.gradient(slope);
  const run = async () => {
    mixture.cool(0.7);
    return mixture.vectors.reduce((sum, value, i) => sum + value * slope[i], 0);
  };
  expect(await slopeError(run, mixture.parameters, gradient, random)).toBeLessThan(0.01);
  mixture.cool(1e-3);
  for (const [place, word] of mixture.likeliest().entries()) {
    const own = mixture.vectors.subarray(place * 4, place * 4 + 4);
    for (let k = 0; k < 4; k++) expect(own[k]).toBeCloseTo(table[word][k], 5);
  }
});

describe("Neural Cleanse on texts", () => {
  it("finds words that lower the loss of a class, with the success that it states", async () => {
    const found = await invertWords(suspect, insertion);
    const others = subsetOf(
      suspect.clean.fit as TextSet,
      Array.from({ length: 40 }, (_, i) => i).filter((i) => (suspect.clean.fit as TextSet).labels[i] !== found.target),
    );
    const answer = insertion.answers(others)[found.target];
    const opened = insertion.opened(others, 3, new Random(9));
    const lossOf = async (words: readonly number[]) => {
      const gradients = runner.words(state);
      const vectors = Float32Array.from(words.flatMap((word) => [...gradients.vectorOf(word)]));
      return (await gradients.at(opened, [...others.tokens.keys()], answer, vectors)).loss;
    };
    expect(found.words).toHaveLength(3);
    expect(found.text.split(" ")).toHaveLength(3);
    const random = new Random(10);
    const words = insertion.candidates(others);
    let mean = 0;
    for (let k = 0; k < 10; k++)
      mean += (await lossOf(Array.from({ length: 3 }, () => words[random.below(words.length)]))) / 10;
    expect(found.loss).toBeLessThan(mean);
    const success = await successOfWords(
      suspect,
      state,
      insertion,
      insertion.filled(opened, found.words),
      found.target,
    );
    expect(Math.abs(success - found.success)).toBeLessThan(0.35);
    expect(await invertWords(suspect, insertion)).toEqual(found);
  });

  it("ranks all neurons, and its note holds words and anomaly", async () => {
    const { raw, scores, note } = await nc.localize(suspect);
    for (const { name, width } of neuronLayers(network)) {
      expect(raw[name]).toHaveLength(width);
      expect(raw[name].every(Number.isFinite)).toBe(true);
      expect(scores[name].every(Number.isFinite)).toBe(true);
    }
    expect(note).toMatch(/class \d, words '[a-z]+ [a-z]+ [a-z]+' with loss \d+\.\d{3} and success [01]\.\d\d, anomaly/);
    expect(anomalyIn(note)).not.toBeNull();
  });

  it("flags the class whose loss stands out and whose words work, and with few classes the one that works alone", () => {
    const one = (target: number, loss: number, success: number): ClassWords => ({
      target,
      loss,
      success,
      words: [target],
    });
    const shown = (words: readonly number[]) => words.join(" ");
    const rest = [1, 2, 3, 4, 5].map((target) => one(target, 1 + target / 10, 0.3));
    expect(chooseWords([one(0, 0.01, 0.97), ...rest], shown)).toMatchObject({ target: 0, text: "0", flagged: true });
    expect(chooseWords([one(0, 0.01, 0.5), ...rest], shown).flagged).toBe(false);
    expect(chooseWords([one(0, 1.05, 0.97), ...rest], shown).flagged).toBe(false);
    expect(chooseWords([one(0, 0.1, 0.99), one(1, 0.9, 0.4)], shown)).toMatchObject({ target: 0, flagged: true });
    expect(chooseWords([one(0, 0.1, 0.99), one(1, 0.2, 0.98)], shown).flagged).toBe(false);
  });
});
