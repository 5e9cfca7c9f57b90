import { expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { chooseLowering } from "../../../src/engine/lowering.ts";
import { Session } from "../../../src/engine/session.ts";
import { initialState } from "../../../src/graph/initial-state.ts";
import { NEXT, WEIGHTS } from "../../../src/graph/objectives/continuation.ts";
import { languageProgram } from "../../../src/graph/programs/language.ts";
import { markOf } from "../../../src/graph/sequences.ts";
import type { TextDataset } from "../../../src/tasks/language/dataset.ts";
import { glosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { llama, ownLlama } from "../../../src/tasks/language/models/llama.ts";
import { language } from "../../../src/tasks/language/task.ts";
import type { TextSet } from "../../../src/tasks/language/text-set.ts";
import { UNKNOWN } from "../../../src/tasks/language/tokenizer/file.ts";
import { LanguageTrainer } from "../../../src/tune/language-trainer.ts";

const BATCH = 8;
const { train, augmentation, normalization } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;

/** A text's tokens, one list a word. */
function wordsOf(tokens: readonly number[], startsWord: (token: number) => boolean): number[][] {
  const words: number[][] = [];
  for (const token of tokens) {
    if (words.length === 0 || startsWord(token)) words.push([token]);
    else words.at(-1)!.push(token);
  }
  return words;
}

/** What is drawn for the first texts. */
function drawn(unknown: number | undefined, count: number, random: Random, wholeWords?: boolean): TextSet {
  const augmenter = language.inputs.augmenter(train, { ...augmentation, unknown, wholeWords }, count);
  for (let i = 0; i < count; i++) augmenter.draw(i, i, random);
  return augmenter.drawn as TextSet;
}

it("about the share of a text's words is unknown, drawn anew each time, and the others are as they were", () => {
  const random = new Random(1);
  const [first, second] = [drawn(0.3, 500, random), drawn(0.3, 500, random)];
  const words = first.tokens.flatMap((tokens, i) => tokens.map((token, t) => ({ token, was: train.tokens[i][t] })));
  expect(words.every(({ token, was }) => token === was || token === UNKNOWN)).toBe(true);
  const share = words.filter(({ token }) => token === UNKNOWN).length / words.length;
  expect(Math.abs(share - 0.3)).toBeLessThan(0.03);
  expect(first.tokens).not.toEqual(second.tokens);
  expect([...first.labels]).toEqual([...train.labels.subarray(0, 500)]);
});

it("of whole words each is told in full, or is one unknown token", () => {
  const { tokenizer } = train.language;
  const set = drawn(0.3, 500, new Random(1), true);
  let [untold, words, long] = [0, 0, 0];
  for (const [i, tokens] of set.tokens.entries()) {
    let at = 0;
    for (const word of wordsOf(train.tokens[i], tokenizer.startsWord)) {
      words++;
      if (tokens[at] === UNKNOWN) {
        untold++;
        at++;
        continue;
      }
      expect(tokens.slice(at, at + word.length)).toEqual(word);
      if (word.length > 2) long++;
      at += word.length;
    }
    expect(at).toBe(tokens.length);
  }
  expect(Math.abs(untold / words - 0.3)).toBeLessThan(0.03);
  expect(long).toBeGreaterThan(300);
});

it("a recipe without it draws nothing, so what it built before comes out the same", () => {
  const random = new Random(1);
  expect(drawn(undefined, 20, random).tokens).toEqual(train.tokens.slice(0, 20));
  expect(random.uniform()).toBe(new Random(1).uniform());
});

it("no unknown word is predicted: the loss is the answer's, and half of the mean over the words that are told", async () => {
  const network = llama(ownLlama(2, 64, 2056, 64));
  const state = initialState(network, new Random(2));
  const set = drawn(0.5, BATCH, new Random(3));
  const encoder = language.inputs.encoder(set, normalization);
  const inputs = new Float32Array(BATCH * encoder.size);
  const targets = new Float32Array(BATCH * network.classes);
  const [next, weights] = [0, 1].map(() => new Float32Array(BATCH * 64));
  for (let i = 0; i < BATCH; i++) {
    encoder.write(set, i, inputs, i * encoder.size);
    language.loss.write(set, i, targets.subarray(i * network.classes, (i + 1) * network.classes));
    const mark = markOf(inputs, i, 64);
    for (let t = 0; t < mark; t++) {
      next[i * 64 + t] = inputs[2 * (i * 64 + t + 1)];
      weights[i * 64 + t] = next[i * 64 + t] === UNKNOWN ? 0 : 1;
    }
  }
  const told = weights.reduce((sum, weight) => sum + weight, 0);
  expect(told).toBeLessThan(0.8 * weights.length);
  for (let at = 0; at < weights.length; at++) weights[at] *= 0.5 / told;
  for (let i = 0; i < BATCH; i++) {
    const at = i * 64 + markOf(inputs, i, 64);
    weights[at] = 1 / BATCH;
    next[at] = targets.subarray(i * network.classes, (i + 1) * network.classes).indexOf(1);
  }
  const { program } = languageProgram(await chooseLowering(network, BATCH), network);
  const session = await Session.open(program, { threads: 1 });
  const feeds = new Map([...state].map(([key, { data }]) => [key, data]));
  const expected = (await session.run(feeds.set("input", inputs).set(NEXT, next).set(WEIGHTS, weights))).get(
    "loss",
  )![0];
  const options = { batch: BATCH, threads: 1, momentum: 0.9, weightDecay: 0.1 };
  const trainer = new LanguageTrainer(network, state, { ...options, unpredicted: UNKNOWN });
  expect((await trainer.step(inputs, targets, 1e-3)).loss).toBeCloseTo(expected, 4);
  const all = new LanguageTrainer(network, state, options);
  expect(Math.abs((await all.step(inputs, targets, 1e-3)).loss - expected)).toBeGreaterThan(1e-3);
  await Promise.all([session.release(), trainer.release(), all.release()]);
});
