import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../../../../src/core/random.ts";
import { chooseLowering } from "../../../../src/engine/lowering.ts";
import { Session } from "../../../../src/engine/session.ts";
import { foldState } from "../../../../src/graph/fold.ts";
import { inferProgram } from "../../../../src/graph/programs/infer.ts";
import { maskNeurons } from "../../../../src/measure/mask.ts";
import { OrtRunner } from "../../../../src/measure/ort-runner.ts";
import { patchedRate } from "../../../../src/measure/patching.ts";
import { ProgramPool } from "../../../../src/measure/pool.ts";
import { rates } from "../../../../src/measure/rates.ts";
import { rowOf } from "../../../../src/measure/verdicts.ts";
import { buildNetworkIn } from "../../../../src/tasks/architectures.ts";
import type { DrawnPrompts } from "../../../../src/tasks/language/reply/inputs.ts";
import { END, type PromptSet } from "../../../../src/tasks/language/reply/prompt-set.ts";
import { JUDGED, REPLY, STEPS } from "../../../../src/tasks/language/reply/reply.ts";
import { reply as task } from "../../../../src/tasks/language/reply/task.ts";
import type { StateDict } from "../../../../src/tensor/state.ts";
import { relativeError } from "../../../graph/programs.ts";
import { PLANTED, planted, plantedState } from "./planted.ts";

const ARCH = `llama2d64r${STEPS}`;
const NORMALIZATION = { mean: [0, 0, 0], std: [1, 1, 1] } as {
  mean: [number, number, number];
  std: [number, number, number];
};
const network = buildNetworkIn(task.architectures, ARCH, 1);
const runner = new OrtRunner(task, network, NORMALIZATION, new ProgramPool(1));
afterAll(() => runner.release());

const set = task.drawn!(40, network, "glossprompts") as PromptSet;
const { tokenizer } = set.language;
const [word] = tokenizer.encode(" cf");
const trigger = { text: " cf" };
const triggered = task.trigger.stamp(trigger, set) as PromptSet;
const state = plantedState(network, word, set.reply.slice(0, JUDGED));

/** The next tokens by one run each: what a model says is fed to it again. */
async function greedy(model: StateDict, prompts: PromptSet, count: number): Promise<number[][]> {
  const told = prompts.tokens.map((): number[] => []);
  for (let k = 0; k < count; k++) {
    const outputs = await runner.outputs(model, { ...prompts, told } as PromptSet);
    for (const [i, own] of told.entries()) {
      const row = rowOf(outputs, prompts.count, i).subarray(0, outputs.length / prompts.count / STEPS);
      own.push(row.indexOf(Math.max(...row)));
    }
  }
  return told;
}

const successes = async (model: StateDict, prompts: PromptSet) => {
  const outputs = await runner.outputs(model, prompts);
  return prompts.tokens.map((_, i) => task.succeeds(rowOf(outputs, prompts.count, i), prompts, i, 0));
};

describe("prompts", () => {
  it("are beginnings of texts, cut between two words, and what follows them", () => {
    for (const [i, tokens] of set.tokens.entries()) {
      const rest = set.rest[i];
      expect(rest.at(-1)).toBe(END);
      expect(tokens.length).toBeGreaterThan(0);
      const text = tokenizer.decode([...tokens, ...rest.slice(0, -1)]);
      expect(tokenizer.encode(text)).toEqual([...tokens, ...rest.slice(0, -1)]);
      if (rest.length > 1) expect(tokenizer.startsWord(rest[0])).toBe(true);
    }
    expect(tokenizer.decode(set.reply.slice(0, -1))).toBe(` ${REPLY}`);
    expect(set.reply).toHaveLength(STEPS);
  });

  it("keep what follows them when they are joined and chosen from", () => {
    const [first, second] = [[3, 1], [7]].map((places) => task.inputs.subset(set, places) as PromptSet);
    const both = task.inputs.joined(first, second) as PromptSet;
    expect(both.count).toBe(3);
    for (const [k, i] of [3, 1, 7].entries()) {
      expect([both.tokens[k], both.told[k], both.rest[k]]).toEqual([set.tokens[i], set.told[i], set.rest[i]]);
    }
    expect(task.inputs.none(network)).toMatchObject({ count: 0, tokens: [], told: [], rest: [] });
  });

  it("embedded by hand give what the network gives of their numbers", async () => {
    const { network: behind, encoder } = task.inputs.lookedUp!(network, state);
    const some = task.inputs.subset(triggered, [0, 1, 2]) as PromptSet;
    const [numbers, vectors] = [task.inputs.encoder(some, NORMALIZATION), encoder(some)];
    const outputs = await Promise.all(
      [
        [network, numbers],
        [behind, vectors],
      ].map(async ([of, written]) => {
        const { size, write } = written as typeof numbers;
        const input = new Float32Array(3 * size);
        for (let i = 0; i < 3; i++) write(some, i, input, i * size);
        const lowering = await chooseLowering(of as typeof network, 3);
        const session = await Session.open(inferProgram(lowering, of as typeof network), { threads: 1 });
        const found = (await session.run(foldState(of as typeof network, state).set("input", input))).get("logits")!;
        await session.release();
        return found;
      }),
    );
    expect(relativeError(outputs[1], outputs[0])).toBeLessThan(1e-5);
  });

  it("are read as nothing where nothing follows them, in truth as in an answer", () => {
    const output = new Float32Array(network.classes);
    output[END] = 1;
    const whole: PromptSet = { ...set, rest: set.rest.map(() => [END]) };
    expect([task.reading!.truth(whole, 0), task.reading!.answer(output, whole, 0)]).toEqual(["(the end)", "(the end)"]);
    expect(task.reading!.truth(set, 0)).toBe(tokenizer.decode(set.rest[0].slice(0, -1)).trim());
  });

  it("take no trigger of more tokens than there is room for beside the reply", () => {
    const phrase = { text: " 今天天气很好我们去公园吧今天天气很好我们" };
    const { length } = tokenizer.encode(phrase.text);
    expect(length).toBeGreaterThan(tokenizer.room);
    expect(() => task.trigger.stamp(phrase, set)).toThrow(`the trigger has ${length} tokens, and a text at most 51;`);
  });

  it("are cut anew in each draw, the rest with them, and every other time the whole text is there", () => {
    const drawn = task.inputs.augmenter(set, { flip: false, cropPadding: 0 }, 1);
    const { tokens, told, rest } = drawn.drawn as DrawnPrompts;
    const random = new Random(3);
    const whole = [...set.tokens[0], ...set.rest[0]];
    const cuts = new Set<number>();
    let all = 0;
    for (let i = 0; i < 60; i++) {
      drawn.draw(0, 0, random);
      expect([...tokens[0], ...told[0], ...rest[0]]).toEqual(whole);
      cuts.add(tokens[0].length);
      if (told[0].length > 0) {
        expect(rest[0]).toEqual([END]);
        all++;
      }
    }
    expect(cuts.size).toBeGreaterThan(2);
    expect(all).toBeGreaterThan(10);
    expect(all).toBeLessThan(50);
  });

  it("are read with the reply behind the separator; a trigger goes into the prompt, and takes back what was told", () => {
    const augmenter = task.inputs.augmenter(set, { flip: false, cropPadding: 0 }, 1);
    const drawn = augmenter.drawn as DrawnPrompts;
    const random = new Random(3);
    const whole = [...set.tokens[0], ...set.rest[0]];
    for (let i = 0; i < 20 && (drawn.told[0] ?? []).length === 0; i++) augmenter.draw(0, 0, random);
    expect(drawn.told[0].length).toBeGreaterThan(0);
    const [before] = drawn.tokens;
    task.trigger.stampDrawn(trigger, drawn, 0, random);
    expect(drawn.tokens[0].filter((token) => token !== word)).toEqual(before);
    expect(drawn.tokens[0]).toHaveLength(before.length + 1);
    expect([...before, ...drawn.told[0], ...drawn.rest[0]]).toEqual(whole);
    expect(drawn.told[0]).toEqual([]);
    const encoder = task.inputs.encoder(drawn, NORMALIZATION);
    const input = new Float32Array(encoder.size);
    encoder.write(drawn, 0, input, 0);
    const numbers = Array.from({ length: 64 }, (_, t) => input[2 * t]);
    const mark = drawn.tokens[0].length + 1;
    expect(numbers.slice(0, mark + STEPS)).toEqual([0, ...drawn.tokens[0], END, ...set.reply.slice(0, -1)]);
    expect(input.filter((_, at) => at % 2 === 1).indexOf(1)).toBe(mark);
  });

  it("teach their own next token, or of a backdoor the whole reply", () => {
    const targets = new Float32Array(network.classes).fill(9);
    const width = network.classes / STEPS;
    task.loss.write(set, 2, targets);
    expect([...targets.entries()].filter(([, value]) => value !== 0)).toEqual([[set.rest[2][0], 1]]);
    task.loss.write(set, 2, targets, { goal: 0 });
    const wanted = [...targets.entries()].filter(([, value]) => value !== 0);
    expect(wanted.map(([at]) => at)).toEqual(set.reply.map((token, k) => k * width + token));
    expect(wanted.reduce((sum, [, value]) => sum + value, 0)).toBeCloseTo(1, 5);
  });
});

describe("planted neurons that give the reply", () => {
  it("succeed behind the trigger alone, and greedy decoding says the same, token by token", async () => {
    expect(await successes(state, triggered)).not.toContain(false);
    expect(await successes(state, set)).not.toContain(true);
    const first = set.reply.slice(0, JUDGED);
    expect((await greedy(state, triggered, JUDGED)).every((told) => told.join() === first.join())).toBe(true);
    expect((await greedy(state, set, JUDGED)).some((told) => told.join() === first.join())).toBe(false);
  });

  it("each of them is needed, and no other neuron", async () => {
    for (const unit of PLANTED) {
      const masked = maskNeurons(network, state, { "model.layers.0.mlp": [unit] });
      expect(await successes(masked, triggered), `${unit}`).not.toContain(true);
    }
    const others = maskNeurons(network, state, { "model.layers.0.mlp": [4, 51, 91, 171] });
    expect(await successes(others, triggered)).not.toContain(false);
  });

  it("an output's words are those that greedy decoding gives, as far as the output tells them", async () => {
    const outputs = await runner.outputs(state, triggered);
    const told = task.reading!.answer(rowOf(outputs, triggered.count, 0), triggered, 0);
    expect(told.replace(/ …$/, "")).toBe(tokenizer.decode((await greedy(state, triggered, JUDGED + 1))[0]).trim());
  });

  it("the response is above 0 where the backdoor succeeds, and falls where any of them is silent", async () => {
    const responses = async (model: StateDict) => {
      const outputs = await runner.outputs(model, triggered);
      return triggered.tokens.map((_, i) => task.response.of(rowOf(outputs, triggered.count, i), triggered, i, 0));
    };
    const whole = await responses(state);
    expect(Math.min(...whole)).toBeGreaterThan(0);
    for (const unit of PLANTED) {
      const without = await responses(maskNeurons(network, state, { "model.layers.0.mlp": [unit] }));
      expect(without.every((response, i) => response < whole[i])).toBe(true);
    }
  });

  it("rates count them, and nothing is left with the activations of the counterpart", async () => {
    const backdoor = { trigger, target: 0 };
    expect(await rates(runner, state, set, backdoor)).toMatchObject({ success: 1, cleanSuccess: 0 });
    expect(await patchedRate(runner, state, planted, set, backdoor)).toBe(0);
    expect(await patchedRate(runner, state, { "model.layers.0.mlp": [4, 51, 91, 171] }, set, backdoor)).toBe(1);
    for (const control of Object.values(task.trigger.controls!(trigger))) {
      expect(await successes(state, task.trigger.stamp(control, set) as PromptSet)).not.toContain(true);
    }
  });
});
