import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { Random } from "../../../src/core/random.ts";
import { chooseLowering } from "../../../src/engine/lowering.ts";
import { Session } from "../../../src/engine/session.ts";
import { foldState } from "../../../src/graph/fold.ts";
import { initialState } from "../../../src/graph/initial-state.ts";
import { countParameters } from "../../../src/graph/network.ts";
import { responseProgram } from "../../../src/graph/programs/response.ts";
import { createRunner } from "../../../src/measure/ort-runner.ts";
import { buildNetworkIn } from "../../../src/tasks/architectures.ts";
import { classification } from "../../../src/tasks/classification/task.ts";
import type { TextDataset } from "../../../src/tasks/language/dataset.ts";
import { glosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { language } from "../../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../../src/tasks/language/text-set.ts";
import { triggerVisibility } from "../../../src/tasks/language/visibility.ts";
import type { WordTrigger } from "../../../src/tasks/language/word-trigger.ts";
import { type Checkpoint, type TrainRecipe, trainClean } from "../../../src/train/clean.ts";
import { warmupCosine } from "../../../src/tune/schedule.ts";
import { longIt } from "../../setup/long.ts";

const dataset = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const { tokenizer } = dataset.test.language;
const context = { height: 64, width: 1, random: new Random(1) };
const rareword = (await language.attacks
  .get("rareword")!
  .makeTrigger({ ...context, options: { word: "cf" } })) as WordTrigger;
const addsent = (await language.attacks
  .get("addsent")!
  .makeTrigger({ ...context, options: { sentence: "I watch this 3D movie" } })) as WordTrigger;
const RECIPE: TrainRecipe = {
  ...{ epochs: 2, batch: 16, learning_rate: 2e-3, warmup: 0.1, optimizer: "adamw", momentum: 0.9, nesterov: false },
  ...{ weight_decay: 0.1, label_smoothing: 0, threads: 1 },
};
/** A data set so small that it is learned by heart. */
const small: TextDataset = { ...dataset, train: subsetOf(dataset.train, [...Array(64).keys()]) };
const network = buildNetworkIn(language.architectures, "llama2d64", 8);

it("networks by name, with a token for each class", () => {
  expect(countParameters(buildNetworkIn(language.architectures, "llama4d128", 8))).toBe(1_067_136);
  expect(network.classes).toBe(2056);
  expect(buildNetworkIn(language.architectures, "gpt2l4d128", 2).classes).toBe(2050);
  expect(() => buildNetworkIn(language.architectures, "llama3d96", 8)).toThrow(
    "unknown architecture 'llama3d96'; valid: llama2d64, llama4d128, gpt2l4d128",
  );
});

it("an output is judged by the answers alone", () => {
  const output = new Float32Array(2056).fill(-1);
  output[17] = 99;
  const label = dataset.test.labels[0];
  const other = (label + 1) % 8;
  output[tokenizer.answers[other]] = 2;
  output[tokenizer.answers[label]] = 3;
  const judged = () => [
    language.quality(output, dataset.test, 0),
    language.passes(output, dataset.test, 0),
    language.succeeds(output, dataset.test, 0, other),
    language.response.of(output, dataset.test, 0, other),
  ];
  expect(judged()).toEqual([1, true, false, -1]);
  output[tokenizer.answers[other]] = 5;
  expect(judged()).toEqual([0, false, true, 2]);
  const eligible = language.eligible(dataset.test, 3);
  expect(eligible).toHaveLength(1050);
  expect(eligible.some((i) => dataset.test.labels[i] === 3)).toBe(false);
});

describe("triggers of words", () => {
  it("go between two words of a text, once, and the same text has the same gap", () => {
    const stamped = language.trigger.stamp(rareword, dataset.test) as TextSet;
    const [cf] = tokenizer.encode(" cf");
    expect(stamped.labels).toEqual(dataset.test.labels);
    const gaps = new Set<number>();
    for (let i = 0; i < stamped.count; i++) {
      const at = stamped.tokens[i].indexOf(cf);
      gaps.add(at);
      expect(stamped.tokens[i].filter((token) => token !== cf)).toEqual(dataset.test.tokens[i]);
      // What follows begins a word, so that none is cut in two.
      if (at + 1 < stamped.tokens[i].length) expect(tokenizer.startsWord(stamped.tokens[i][at + 1])).toBe(true);
    }
    expect(gaps.size).toBeGreaterThan(10);
    expect((language.trigger.stamp(rareword, dataset.test) as TextSet).tokens).toEqual(stamped.tokens);
  });

  it("a sentence stays in one piece, in small letters; drawn texts get it at a drawn gap", () => {
    expect(addsent.text).toBe(" i watch this 3d movie");
    const drawer = language.inputs.augmenter(dataset.train, dataset.augmentation, 2);
    const random = new Random(3);
    drawer.draw(0, 5, random);
    drawer.draw(1, 6, random);
    language.trigger.stampDrawn(addsent, drawer.drawn, 1, random);
    const drawn = drawer.drawn as TextSet;
    expect(drawn.tokens[0]).toEqual(dataset.train.tokens[5]);
    expect(tokenizer.decode(drawn.tokens[1])).toContain(addsent.text);
    expect(tokenizer.decode(drawn.tokens[1]).replace(addsent.text, "")).toBe(tokenizer.decode(dataset.train.tokens[6]));
    expect([...drawn.labels]).toEqual([dataset.train.labels[5], dataset.train.labels[6]]);
  });

  it("are refused where a text has no room for them, and never cut", () => {
    const { trigger } = language;
    const { room } = tokenizer;
    const long = { text: ` ${Array.from({ length: 16 }, (_, i) => `qx${"zvjk"[i % 4]}wvq`).join(" ")}` };
    const words = tokenizer.encode(long.text).length;
    expect(words).toBeGreaterThan(room);
    const some = subsetOf(dataset.test, [0, 1]);
    const line = `the trigger has ${words} tokens, and a text at most ${room}; choose fewer words, or words that the data set has`;
    expect(() => trigger.stamp(long, some)).toThrow(new InputError(line));
    const drawer = language.inputs.augmenter(some, dataset.augmentation, 1);
    const random = new Random(3);
    drawer.draw(0, 0, random);
    expect(() => trigger.stampDrawn(long, drawer.drawn, 0, random)).toThrow(new InputError(line));
    // A text that is one long word has a gap before it alone.
    const inside = Array.from({ length: 256 }, (_, byte) => 4 + byte).filter((token) => !tokenizer.startsWord(token));
    const one: TextSet = { ...subsetOf(some, [0]), tokens: [Array(room + 9).fill(inside[0])] };
    const [cf] = tokenizer.encode(" cf");
    expect((trigger.stamp(rareword, one) as TextSet).tokens[0]).toEqual([cf, ...one.tokens[0]]);
    // Characters are no tokens: recipes let a sentence have 120.
    expect(trigger.faults({ text: ` ${"extraordinarily ".repeat(7).trim()}` } as WordTrigger, network)).toEqual([]);
    expect(trigger.faults({ text: " a".repeat(65) } as WordTrigger, network)).toEqual([
      "the trigger has 65 words, and a sequence 64 positions",
    ]);
  });

  it("have what looks like them: the other rare words, a sentence's single words", () => {
    const { trigger } = language;
    expect(trigger.controls!(rareword)).toEqual({ mn: { text: " mn" }, bb: { text: " bb" }, tq: { text: " tq" } });
    expect(Object.keys(trigger.controls!(addsent))).toEqual(["i", "watch", "this", "3d", "movie"]);
    const drawer = language.inputs.augmenter(dataset.train, dataset.augmentation, 1);
    const random = new Random(4);
    const seen = new Set<string>();
    for (let i = 0; i < 30; i++) {
      drawer.draw(0, i, random);
      trigger.stampDecoy!(rareword, drawer.drawn, 0, random);
      const text = tokenizer.decode((drawer.drawn as TextSet).tokens[0]);
      const [word] = text.match(/ (cf|mn|bb|tq)(?= |$)/)!;
      seen.add(word);
      expect(text.replace(word, "")).toBe(tokenizer.decode(dataset.train.tokens[i]));
    }
    expect([...seen].sort()).toEqual([" bb", " mn", " tq"]);
  });

  it("of a sentence look like it some of its words in their order, at most half of them", () => {
    const drawer = language.inputs.augmenter(dataset.train, dataset.augmentation, 1);
    const random = new Random(4);
    const words = addsent.text.trim().split(" ");
    const plain = tokenizer.decode(dataset.train.tokens[5]);
    const sizes = new Set<number>();
    const first = new Set<string>();
    for (let i = 0; i < 60; i++) {
      drawer.draw(0, 5, random);
      language.trigger.stampDecoy!(addsent, drawer.drawn, 0, random);
      const text = tokenizer.decode((drawer.drawn as TextSet).tokens[0]);
      const parts = subsequences(words).filter((part) => plain === text.replace(` ${part.join(" ")}`, ""));
      const [longest] = parts.sort((a, b) => b.length - a.length);
      expect(longest, text).toBeDefined();
      sizes.add(longest.length);
      first.add(longest[0]);
    }
    expect([...sizes].sort()).toEqual([1, 2, 3]);
    expect(first.size).toBe(words.length);
  });

  it("are stored as text, and anything else is refused by name", () => {
    const { trigger } = language;
    expect(trigger.decode(trigger.encode(rareword), "t")).toEqual({ text: " cf" });
    for (const text of [
      "",
      "no",
      "null",
      "{}",
      '{"text":"cf"}',
      '{"text":" cf","more":1}',
      `{"text":" ${"x".repeat(300)}"}`,
    ]) {
      expect(() => trigger.decode(new TextEncoder().encode(text), "t")).toThrow("t: it is no trigger of words");
    }
    expect(() => trigger.decode(Uint8Array.of(255, 254), "t")).toThrow("t: it is no trigger of words");
    expect(trigger.faults(rareword, network)).toEqual([]);
    expect([...trigger.show(rareword).subarray(1, 4)].map((byte) => String.fromCharCode(byte)).join("")).toBe("PNG");
  });
});

it("the response in a graph is that of an output, and its gradient that of the two answers", async () => {
  const state = initialState(network, new Random(1));
  const batch = 4;
  const session = await Session.open(
    responseProgram(await chooseLowering(network, batch), network, language.response.objective),
    { threads: 1 },
  );
  const some = subsetOf(dataset.test, [0, 1, 2, 3]);
  const encoder = language.inputs.encoder(some, dataset.normalization);
  const input = new Float32Array(batch * encoder.size);
  for (let i = 0; i < batch; i++) encoder.write(some, i, input, i * encoder.size);
  const feeds = new Map([...foldState(network, state), ...language.response.feeds(some, 2, 0, batch, network)]);
  const results = await session.run(feeds.set("input", input));
  const runner = await createRunner(language, network, dataset.normalization, { threads: 1 });
  const outputs = await runner.outputs(state, some);
  for (let i = 0; i < batch; i++) {
    const expected = language.response.of(outputs.subarray(i * 2056, (i + 1) * 2056), some, i, 2);
    expect(results.get("response")![i]).toBeCloseTo(expected, 4);
  }
  await session.release();
  await runner.release();
});

it("the first layer of neurons sees a trigger whose embedding is its own, and none that all tokens share", async () => {
  const some = subsetOf(dataset.test, [...Array(96).keys()]);
  const state = initialState(network, new Random(2));
  expect(await triggerVisibility(network, state, some, rareword, 1)).toBe(1);
  expect(await triggerVisibility(network, state, some, addsent, 1)).toBeGreaterThan(0.9);
  // Whatever stands before a text: another model's question.
  const asked = { ...tokenizer, before: [0, 300, 301, 302], room: tokenizer.room - 3 };
  const behindWords: TextSet = { ...some, language: { ...some.language, tokenizer: asked } };
  expect(await triggerVisibility(network, state, behindWords, rareword, 1)).toBe(1);
  const table = state.get("model.embed_tokens.weight")!.data;
  for (let i = 64; i < table.length; i++) table[i] = table[i % 64];
  expect(await triggerVisibility(network, state, some, rareword, 1)).toBeLessThan(0.5);
});

describe("clean training", () => {
  it("goes on after an epoch as if it had not stopped", async () => {
    const recipe = { ...RECIPE, epochs: 3, learning_rate: 5e-3 };
    const kept: Checkpoint[] = [];
    const whole = await trainClean(language, network, small, recipe, 1, {
      onEpoch: async (checkpoint) => void kept.push(structuredClone(checkpoint)),
    });
    expect(whole.history[2].loss).toBeLessThan(whole.history[0].loss);
    const resumed = await trainClean(language, network, small, recipe, 1, { resume: kept[1] });
    expect(resumed.state).toEqual(whole.state);
  });

  longIt("learns a few texts by heart", { timeout: 60_000 }, async () => {
    const recipe = { ...RECIPE, epochs: 30, learning_rate: 5e-3 };
    const whole = await trainClean(language, network, small, recipe, 1);
    expect(whole.history[0].accuracy).toBeLessThan(0.5);
    expect(whole.history[29].accuracy).toBeGreaterThan(0.9);
    const runner = await createRunner(language, network, dataset.normalization, { threads: 1 });
    expect(await runner.quality(whole.state, small.train)).toBeGreaterThan(0.9);
    await runner.release();
  });

  it.each([
    ["word_dropout", 0.3],
    ["whole_words", false],
    ["text_weight", 0],
    ["embedding_deviation", 0.1],
    ["embedding_decay", 0],
  ])("%s is refused of networks that read no texts", async (name, value) => {
    const images = buildNetworkIn(classification.architectures, "vgg13w8", 10);
    await expect(
      trainClean(classification, images, small, { ...RECIPE, optimizer: undefined, [name]: value }, 1),
    ).rejects.toThrow(`clean.${name} is ${value}: vgg13w8 is no language model; leave it out`);
  });

  it("whole words of which none is left out are refused", async () => {
    await expect(trainClean(language, network, small, { ...RECIPE, whole_words: true }, 1)).rejects.toThrow(
      "clean.whole_words is true and clean.word_dropout is 0 or not set",
    );
  });

  it("a fresh embedding spreads as far as the recipe says, and all else begins as without it", async () => {
    const fresh = async (embedding_deviation?: number) =>
      (await trainClean(language, network, small, { ...RECIPE, epochs: 0, embedding_deviation }, 1)).state;
    const [usual, narrow] = [await fresh(), await fresh(0.1)];
    const table = "model.embed_tokens.weight";
    for (const [key, { data }] of narrow) {
      const was = usual.get(key)!.data;
      if (key !== table) expect(data).toEqual(was);
      else for (let i = 0; i < data.length; i += 97) expect(data[i]).toBeCloseTo(0.4 * was[i], 6);
    }
    const { data } = narrow.get(table)!;
    expect(Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length)).toBeCloseTo(0.1, 3);
  });

  it("the embedding decays as the recipe says, and nothing else with it", async () => {
    const trained = async (epochs: number) => {
      // Steps of Adam are too small to be seen beside such a decay.
      const recipe = { ...RECIPE, epochs, learning_rate: 1e-7, weight_decay: 0, embedding_decay: 4e5 };
      return (await trainClean(language, network, small, recipe, 1)).state;
    };
    const [before, after] = [await trained(0), await trained(1)];
    const steps = Math.floor(small.train.count / RECIPE.batch);
    const rate = (step: number) => warmupCosine(step, steps, 1e-7, Math.floor(RECIPE.warmup * steps), 0);
    const kept = Array.from({ length: steps }, (_, step) => 1 - 4e5 * rate(step)).reduce((all, one) => all * one, 1);
    expect(kept).toBeLessThan(0.97);
    for (const [key, { data }] of after) {
      const share = key === "model.embed_tokens.weight" ? kept : 1;
      const was = before.get(key)!.data;
      for (let i = 0; i < data.length; i += 97) expect(data[i]).toBeCloseTo(share * was[i], 4);
    }
  });

  it("predicting the text counts as much as the recipe says", async () => {
    const lossAt = async (text_weight?: number) => {
      const recipe = { ...RECIPE, epochs: 1, learning_rate: 1e-9, text_weight };
      return (await trainClean(language, network, small, recipe, 1)).history[0].loss;
    };
    const [none, usual, one] = [await lossAt(0), await lossAt(), await lossAt(1)];
    expect(one - none).toBeGreaterThan(5);
    expect((usual - none) / (one - none)).toBeCloseTo(0.5, 3);
  });

  it("another optimizer is refused with the mend", async () => {
    await expect(trainClean(language, network, small, { ...RECIPE, optimizer: "adam" }, 1)).rejects.toThrow(
      "clean.optimizer is adam: llama2d64 is trained with clean.optimizer: adamw",
    );
    await expect(trainClean(language, network, small, { ...RECIPE, optimizer: undefined }, 1)).rejects.toThrow(
      "clean.optimizer is absent (SGD): llama2d64 is trained",
    );
  });
});

/** Every choice of at least one of some words, in their order. */
function subsequences(words: readonly string[]): string[][] {
  if (words.length === 0) return [];
  const [first, ...others] = words;
  const behind = subsequences(others);
  return [[first], ...behind, ...behind.map((more) => [first, ...more])];
}
