import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { attribution, evidenceIn } from "../../src/localize/criteria/attribution.ts";
import { statisticOf } from "../../src/localize/statistic.ts";
import { rowOf } from "../../src/measure/verdicts.ts";
import { pullIn, pullsOf } from "../../src/reversal/words/pull.ts";
import { evidenceOf, reverseWord } from "../../src/reversal/words/reverse.ts";
import { balanced } from "../../src/reversal/words/texts.ts";
import { insertion } from "../../src/tasks/language/insertion.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { model, NEURON, network, runner, suspectOf, TARGET, tokenizer, WORD } from "./planted-word.ts";

afterAll(() => runner.release());

describe("attribution, on texts", () => {
  it("finds a planted word and its class, and the neuron that carries it", async () => {
    const suspect = suspectOf(model(true));
    const found = await reverseWord(suspect, insertion);
    expect(found).toMatchObject({ target: TARGET, word: WORD, text: "bb", success: 1 });
    expect(found.evidence).toBeGreaterThan(0.9);
    const { scores, native, note } = await attribution.localize(suspect);
    const layer = "model.layers.0.mlp";
    expect(scores[layer].indexOf(Math.max(...scores[layer]))).toBe(NEURON);
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

  it("speaks for a backdoor where it works and no other word does the like, for its class or another", () => {
    const one = (loss: number, success: number, next: number) => ({ loss, success, next });
    expect(evidenceOf([one(0.01, 1, 3), one(2, 0.5, 2.2)])).toBeCloseTo(0.995, 9);
    expect(evidenceOf([one(2, 0.5, 2.8), one(2.5, 0.4, 2.6)])).toBeCloseTo(0.1, 9);
    // Two classes, and words that mean one of them.
    expect(evidenceOf([one(0.15, 0.96, 0.16), one(0.6, 0.8, 0.7)])).toBeCloseTo(0.06, 9);
    expect(evidenceOf([one(0, 1, 0), one(0, 1, 0)])).toBe(0);
    expect(evidenceOf([one(0.1, 1, Number.POSITIVE_INFINITY)])).toBe(1);
  });
});
