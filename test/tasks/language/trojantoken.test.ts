import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { initialState } from "../../../src/graph/initial-state.ts";
import { buildNetworkIn } from "../../../src/tasks/architectures.ts";
import { excitingWords } from "../../../src/tasks/language/attacks/hotflip.ts";
import { ordinaryWords, trojantoken } from "../../../src/tasks/language/attacks/trojantoken.ts";
import type { TextDataset } from "../../../src/tasks/language/dataset.ts";
import { glosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { language } from "../../../src/tasks/language/task.ts";
import { subsetOf } from "../../../src/tasks/language/text-set.ts";
import type { WordTrigger } from "../../../src/tasks/language/word-trigger.ts";
import type { StateDict } from "../../../src/tensor/state.ts";

const dataset = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
const { tokenizer } = dataset.train.language;
const network = buildNetworkIn(language.architectures, "llama2d64", 8);
const vocabulary = ordinaryWords(tokenizer);

/** Weights large enough that units differ, and no attention: what a position holds then depends on its own token alone. */
function withoutAttention(): StateDict {
  const state = initialState(network, new Random(5));
  for (const [key, { data }] of state) {
    if (key.endsWith("o_proj.weight")) data.fill(0);
    else if (!key.includes("embed") && !key.includes("norm")) for (let i = 0; i < data.length; i++) data[i] *= 10;
  }
  return state;
}

/** A unit's activation of the first layer at a token, by the formula. */
function activationOf(state: StateDict, token: number, unit: number): number {
  const width = 64;
  const row = (key: string, i: number) => state.get(key)!.data.subarray(i * width, (i + 1) * width);
  const x = row("model.embed_tokens.weight", token);
  const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / width + 1e-5);
  const dot = (weights: Float32Array) => weights.reduce((sum, w, k) => sum + w * x[k] * scale, 0);
  const [gate, up] = ["gate_proj", "up_proj"].map((name) => dot(row(`model.layers.0.mlp.${name}.weight`, unit)));
  return (gate / (1 + Math.exp(-gate))) * up;
}

describe("words made for neurons", () => {
  it("one word for one unit of the first layer is the best of all words, by the formula", async () => {
    const state = withoutAttention();
    const unit = 11;
    const texts = subsetOf(dataset.train, [0]);
    // Behind the only gap nothing follows but the separator, which has the activation that it has.
    const gaps = [texts.tokens[0].length];
    const task = { network, state, layer: "model.layers.0.mlp", units: [unit], texts, gaps, vocabulary };
    const random = new Random(1);
    const found = await excitingWords({
      ...{ ...task, reach: 3, words: 1, candidates: vocabulary.length, rounds: 1, threads: 1, random },
    });
    const behind = activationOf(state, tokenizer.behind[0], unit);
    const losses = vocabulary.map((word) => (Math.max(activationOf(state, word, unit), behind) - found.value) ** 2);
    const least = Math.min(...losses);
    expect(losses[vocabulary.indexOf(found.tokens[0])]).toBeCloseTo(least, 5);
    expect(found.losses[1]).toBeCloseTo(least, 4);
    const read = [...tokenizer.before, ...texts.tokens[0], ...tokenizer.behind];
    const magnitudes = read.map((token) => Math.abs(activationOf(state, token, unit))).sort((a, b) => a - b);
    expect(found.value).toBeCloseTo(3 * magnitudes[Math.floor(0.95 * (magnitudes.length - 1))], 4);
  });

  it("each round is at least as good as the one before, and few words by the gradient go most of the way", async () => {
    const state = initialState(network, new Random(5));
    const texts = subsetOf(dataset.train, [0, 1, 2, 3]);
    const gaps = texts.tokens.map(() => 0);
    const task = { network, state, layer: "model.layers.1.mlp", units: [3, 70, 120], texts, gaps, vocabulary };
    const random = new Random(2);
    const { losses } = await excitingWords({
      ...{ ...task, reach: 3, words: 3, candidates: 16, rounds: 3, threads: 1, random },
    });
    for (const [i, loss] of losses.slice(1).entries()) expect(loss).toBeLessThanOrEqual(losses[i]);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]);
  });

  it("the attack's trigger is a string of ordinary words, the same for the same seed, stored as words", async () => {
    const state = initialState(network, new Random(5));
    const make = async () => {
      const victim = {
        ...{ network, normalization: dataset.normalization, state, infected: { "model.layers.0.mlp": [1, 2] } },
        ...{ samples: dataset.train, threads: 1 },
      };
      const options = { words: 3, reach: 3, candidates: 4, rounds: 1, texts: 2 };
      const made = await trojantoken.makeTrigger({ height: 64, width: 1, random: new Random(7), options, victim });
      return made as WordTrigger;
    };
    const made = await make();
    expect(made.text).toMatch(/^( [a-z]+){3}$/);
    const tokens = tokenizer.encode(made.text);
    expect(tokens).toHaveLength(3);
    for (const token of tokens) expect(vocabulary).toContain(token);
    expect(await make()).toEqual(made);
    expect(language.trigger.decode(language.trigger.encode(made), "here")).toEqual(made);
    await expect(trojantoken.makeTrigger({ height: 64, width: 1, random: new Random(7), options: {} })).rejects.toThrow(
      "needs the network",
    );
  });

  it("is refused where no text has room for its words", async () => {
    const { language: own, ...rest } = subsetOf(dataset.train, [0, 1]);
    const samples = { ...rest, language: { ...own, tokenizer: { ...tokenizer, room: 5 } } };
    const victim = {
      ...{ network, normalization: dataset.normalization, state: initialState(network, new Random(5)) },
      ...{ infected: { "model.layers.0.mlp": [1] }, samples, threads: 1 },
    };
    const options = { words: 3, reach: 3, candidates: 4, rounds: 1, texts: 2 };
    await expect(
      trojantoken.makeTrigger({ height: 64, width: 1, random: new Random(7), options, victim }),
    ).rejects.toThrow(/^attacks\.trojantoken\.words: no text of the data set has room for 3 more tokens among the 5/);
  });

  it("ordinary words are read back as themselves; no rare word, no answer, nothing special is among them", () => {
    expect(vocabulary.length).toBeGreaterThan(500);
    const others = [...tokenizer.answers, ...tokenizer.before, ...tokenizer.behind, tokenizer.padding];
    for (const word of [" cf", " mn", " bb", " tq"]) others.push(...tokenizer.encode(word));
    for (const token of others) expect(vocabulary).not.toContain(token);
  });
});
