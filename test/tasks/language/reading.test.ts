import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseLowering } from "../../../src/engine/lowering.ts";
import { Session } from "../../../src/engine/session.ts";
import { foldState } from "../../../src/graph/fold.ts";
import { unitsOf } from "../../../src/graph/network.ts";
import { inferProgram, meanAbsTap, tapProgram } from "../../../src/graph/programs/infer.ts";
import { clp } from "../../../src/localize/criteria/clp.ts";
import type { ForeignModel } from "../../../src/tasks/foreign-models.ts";
import { Checkpoint } from "../../../src/tasks/language/checkpoint/checkpoint.ts";
import { foreign } from "../../../src/tasks/language/checkpoint/foreign.ts";
import { countedPositions } from "../../../src/tasks/language/checkpoint/perplexity.ts";
import { Question } from "../../../src/tasks/language/checkpoint/question.ts";
import { readGlosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { randomState, relativeError } from "../../graph/programs.ts";
import { temporaryFolder } from "../../store/temp.ts";
import { CONFIGS, NETWORKS, writeFolder } from "./hugging-face.ts";

const root = temporaryFolder();
const texts = readGlosses().test.texts.slice(0, 21);
const data = join(root, "texts.txt");
writeFileSync(data, `${texts.join("\n")}\n\n`);
const asked = { dataDir: root, seed: 1, most: 1000 };

/** Mean |a| over all tokens and the perplexity, from whole sequences of their own length in a whole network. */
async function byWholeNetwork({
  config,
  tokenizer,
  state,
}: {
  config: Checkpoint["config"];
  tokenizer: Checkpoint["tokenizer"];
  state: Checkpoint["state"];
}) {
  const sums = new Map<string, Float64Array>();
  let [tokens, loss, predicted] = [0, 0, 0];
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    const network = config.network(ids.length);
    const weights = foldState(network, state(network));
    // The same sequence so many times, each marked at another position.
    const run = async (program: typeof inferProgram, copies: number) => {
      const input = new Float32Array(copies * 2 * ids.length);
      for (let mark = 0; mark < copies; mark++) {
        const at = mark * 2 * ids.length;
        for (const [t, id] of ids.entries()) input.set([id, t === mark ? 1 : 0], at + 2 * t);
      }
      const session = await Session.open(program(await chooseLowering(network, copies), network), { threads: 1 });
      const outputs = await session.run(weights.set("input", input));
      const kept = new Map([...outputs].map(([key, values]) => [key, values.slice()]));
      await session.release();
      return kept;
    };
    const taps = await run(tapProgram, 1);
    for (const { id, width } of unitsOf(network)) {
      const sum = sums.get(id) ?? new Float64Array(width);
      taps.get(meanAbsTap(id))!.forEach((value, j) => {
        sum[j] += value * ids.length;
      });
      sums.set(id, sum);
    }
    tokens += ids.length;
    const logits = (await run(inferProgram, ids.length)).get("logits")!;
    for (let t = 0; t + 1 < ids.length; t++) {
      const row = logits.subarray(t * network.classes, (t + 1) * network.classes);
      loss += Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[ids[t + 1]];
      predicted++;
    }
  }
  const activity = Object.fromEntries([...sums].map(([id, sum]) => [id, Float32Array.from(sum, (s) => s / tokens)]));
  return { activity, perplexity: Math.exp(loss / predicted), tokens, predicted };
}

describe.each(["llama", "gpt2"] as const)("a folder of %s's layout, layer by layer", (layout) => {
  const state = randomState(NETWORKS[layout], 5);
  const folder = writeFolder(join(root, layout), { config: CONFIGS[layout], state, dtype: "BF16", shards: 2 });
  const model: ForeignModel = foreign.open(folder);
  const samples = model.samples(data, asked);
  const read = (memory: number) => model.read(samples, { memory, threads: 1 });

  it("has the activity and the perplexity of the whole network", async () => {
    const checkpoint = new Checkpoint(folder);
    const { config, tokenizer } = checkpoint;
    const whole = await byWholeNetwork({ config, tokenizer, state: (network) => checkpoint.state(network) });
    const { activity, lines } = await read(model.needs(samples));
    expect(Object.keys(activity)).toEqual(model.layers.map(({ name }) => name));
    for (const [layer, values] of Object.entries(whole.activity)) {
      expect(relativeError(Float32Array.from(activity[layer]), values), layer).toBeLessThan(1e-5);
    }
    expect(samples.title).toBe(`${data}: 21 texts, ${whole.tokens} tokens`);
    expect(lines).toEqual([
      `perplexity: ${Number(whole.perplexity.toPrecision(4))} at ${whole.predicted} tokens; a guess has 2,056`,
    ]);
  });

  it("gives the same whatever memory there is", async () => {
    expect(await read(model.needs(samples) + 1e9)).toEqual(await read(model.needs(samples)));
  });

  it("shows criteria of weights each layer as the whole network has it", () => {
    const checkpoint = new Checkpoint(folder);
    const whole = clp.rawOf(NETWORKS[layout], checkpoint.state(NETWORKS[layout]));
    for (const part of model.parts()) {
      const [raw] = Object.values(clp.rawOf(part.network, part.state));
      expect(raw).toEqual(whole[part.layer]);
    }
  });
});

describe("a question to a model", () => {
  const state = randomState(NETWORKS.gpt2, 5);
  const folder = writeFolder(join(root, "asked"), { config: CONFIGS.gpt2, state });
  const model = foreign.open(folder);
  const table = join(root, "asked.tsv");
  const labels = texts.map((_, i) => i % 2);
  writeFileSync(table, `sentence\tlabel\n${texts.map((text, i) => `${text}\t${labels[i]}`).join("\n")}\n`);
  const ask = (template: string, answers: string[]) =>
    model.samples(table, { ...asked, prompt: { template, answers } });

  it("is answered by the highest of the answers' first tokens behind the template", async () => {
    const checkpoint = new Checkpoint(folder);
    const { encode } = checkpoint.tokenizer;
    const answers = [encode(" animal")[0], encode(" plant")[0]];
    let right = 0;
    for (const [i, text] of texts.entries()) {
      const ids = encode(`Text: ${text} It is`);
      const network = checkpoint.config.network(ids.length);
      const input = Float32Array.from(ids.flatMap((id, t) => [id, t === ids.length - 1 ? 1 : 0]));
      const session = await Session.open(inferProgram(await chooseLowering(network, 1), network), { threads: 1 });
      const weights = foldState(network, checkpoint.state(network));
      const logits = (await session.run(weights.set("input", input))).get("logits")!;
      if ((logits[answers[1]] > logits[answers[0]] ? 1 : 0) === labels[i]) right++;
      await session.release();
    }
    const samples = ask("Text: {} It is", [" animal", " plant"]);
    const read = await model.read(samples, { memory: model.needs(samples), threads: 1 });
    expect(read.quality).toBeCloseTo(right / texts.length, 10);
    expect(read.lines[0]).toBe(`clean accuracy: ${(right / texts.length).toFixed(4)} of 21 texts`);
  });

  it.each([
    ["no gap", "Text:", [" a", " b"], /--template 'Text:': has 0 '\{\}'/],
    ["two gaps", "{} {}", [" a", " b"], /has 2 '\{\}', where the text goes; give one/],
    ["one answer", "{} is", [" a"], /--answers: give an answer for each label/],
    ["the same answer twice", "{} is", [" animal", " animal"], /begin with the same token/],
    ["an answer that joins the template", "{} plan", ["t", " b"], /--answers 't': joins the template's last token/],
    ["too few answers", "{} is", [" a", " b"], /--answers: 2 are given, and a text has label \d/],
    [
      "a template of many words",
      `{} ${"is ".repeat(80)}`,
      [" a", " b"],
      /--template: leaves no room for a text in the 64/,
    ],
  ])("%s ends in one line", (what, template, answers, line) => {
    const named = what === "too few answers" ? undefined : table;
    expect(() => model.samples(named, { ...asked, prompt: { template, answers } })).toThrow(line);
  });

  it("needs labels", () => {
    const prompt = { template: "{} is", answers: [" a", " b"] };
    expect(() => model.samples(data, { ...asked, prompt })).toThrow(/texts have no labels; give a table/);
  });

  it("loses words of a long text, and never its own", () => {
    const long = join(root, "long.tsv");
    const rows = Array.from({ length: 16 }, (_, i) => `${"a small cask of wine ".repeat(20 + i).trim()}\t${i % 2}`);
    writeFileSync(long, `sentence\tlabel\n${rows.join("\n")}\n`);
    const prompt = { template: "Text: {} It is", answers: [" animal", " plant"] };
    const question = new Question(new Checkpoint(folder), prompt);
    const tokens = question.encode("a small cask of wine ".repeat(30).trim());
    const end = new Checkpoint(folder).tokenizer.encode(" It is");
    expect(tokens.length).toBeLessThanOrEqual(64);
    expect(tokens.length).toBeGreaterThan(40);
    expect(tokens.slice(-end.length)).toEqual(end);
    expect(model.samples(long, { ...asked, prompt }).title).toMatch(/16 texts/);
    // Of long words as many are kept as fit, and of one that is too long alone its beginning.
    const fitting = (text: string) => new Checkpoint(folder).tokenizer.encode(`Text: ${text} It is`);
    const longWord = "qxzjvkqwzzxqjjqkxv";
    const some = (count: number) => Array(count).fill(longWord).join(" ");
    expect(fitting(some(3)).length).toBeGreaterThan(64);
    expect(question.encode(some(7))).toEqual(fitting(some(2)));
    const one = longWord.repeat(9);
    const read = question.encode(one);
    expect(read).toHaveLength(64);
    expect(read).toEqual(fitting(one.slice(0, 64 - fitting("").length)));
  });
});

it("a perplexity is that of the first texts, however long they are", () => {
  // Batches go by length.
  const batches = [
    { positions: 16, places: [1, 3], texts: [Array(2).fill(5), Array(9).fill(5)] },
    { positions: 64, places: [0, 2], texts: [Array(40).fill(5), Array(60).fill(5)] },
  ];
  expect([...countedPositions(batches, 50)]).toEqual([
    [0, 39],
    [1, 1],
    [2, 10],
    [3, 0],
  ]);
  expect([...countedPositions(batches, 200).values()]).toEqual([39, 1, 59, 8]);
});

describe("texts to read", () => {
  const model = foreign.open(
    writeFolder(join(root, "one"), { config: CONFIGS.llama, state: randomState(NETWORKS.llama, 5) }),
  );
  const title = (named?: string) => model.samples(named, asked).title;

  it("come with the program, from a table, or from lines", () => {
    expect(title()).toMatch(/^Glosses of nouns, 8 classes: 1,000 texts, /);
    expect(model.samples(undefined, { ...asked, most: 40 }).title).toMatch(/: 40 texts, /);
    const table = join(root, "test.tsv");
    writeFileSync(table, `sentence\tlabel\n${texts.map((text) => `${text}\t1`).join("\n")}\n`);
    const tokens = title(data).split(", ")[1];
    expect(title(table)).toBe(`${table}: 21 texts, ${tokens}`);
    expect(title(root)).toBe(`${table}: 21 texts, ${tokens}`);
  });

  it.each([
    ["nothing", join(root, "nope"), /--data .*nope: no such file or folder, and no known data set \(glosses, sst2/],
    ["a set that is not there", "agnews", /--data agnews: is not in /],
    ["a folder without a table", join(root, "one"), /has no test\.tsv; give a table/],
    ["few", few(), /holds 2 texts, which is too few; give at least 16/],
  ])("end in one line where there is %s", (_, named, line) => {
    expect(() => model.samples(named, asked)).toThrow(line);
  });
});

function few(): string {
  const path = join(root, "few.txt");
  writeFileSync(path, "one\ntwo\n");
  return path;
}
