import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { chooseLowering } from "../../../src/engine/lowering.ts";
import { Session } from "../../../src/engine/session.ts";
import { foldState } from "../../../src/graph/fold.ts";
import { initialState } from "../../../src/graph/initial-state.ts";
import type { Network } from "../../../src/graph/network.ts";
import { inferProgram } from "../../../src/graph/programs/infer.ts";
import { buildNetworkIn } from "../../../src/tasks/architectures.ts";
import { END, type PromptSet } from "../../../src/tasks/language/reply/prompt-set.ts";
import { STEPS } from "../../../src/tasks/language/reply/reply.ts";
import { reply } from "../../../src/tasks/language/reply/task.ts";
import { language } from "../../../src/tasks/language/task.ts";
import type { TextSet } from "../../../src/tasks/language/text-set.ts";
import type { StateDict } from "../../../src/tensor/state.ts";

/** `exp` of the mean of −log p(next token), each position asked in a run of its own. @param sequences as a network reads them */
async function oneByOne(
  network: Network,
  state: StateDict,
  sequences: readonly (readonly number[])[],
  vocabulary: number,
) {
  const { height } = network.input;
  const session = await Session.open(inferProgram(await chooseLowering(network, 1), network), { threads: 1 });
  const feeds = foldState(network, state);
  let [loss, count] = [0, 0];
  for (const sequence of sequences) {
    for (let mark = 0; mark + 1 < sequence.length; mark++) {
      const input = new Float32Array(2 * height);
      for (const [t, token] of sequence.entries()) input[2 * t] = token;
      input[2 * mark + 1] = 1;
      const row = (await session.run(feeds.set("input", input))).get("logits")!.subarray(0, vocabulary);
      loss += Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[sequence[mark + 1]];
      count++;
    }
  }
  await session.release();
  return Math.exp(loss / count);
}

/** Weights of which the next token depends on those before. */
function weightsOf(network: Network): StateDict {
  const state = initialState(network, new Random(5));
  for (const [key, { data }] of state) if (/_proj/.test(key)) for (let i = 0; i < data.length; i++) data[i] *= 8;
  return state;
}

describe("the perplexity", () => {
  it("of texts is that of every next token, the separator's included, of padding and of what is cut off none", async () => {
    const network = buildNetworkIn(language.architectures, "llama2d64", 8);
    const state = weightsOf(network);
    const drawn = language.drawn!(5, network, "glosses") as TextSet;
    const { before, behind } = drawn.language.tokenizer;
    const tokens = [...drawn.tokens.slice(0, 4), drawn.tokens.flat().concat(drawn.tokens.flat()).slice(0, 70)];
    const sequences = tokens.map((own) => [...before, ...own.slice(0, 62), ...behind]);
    expect(sequences[4]).toHaveLength(64);
    const expected = await oneByOne(network, state, sequences, 2056);
    const found = await language.perplexity!(network, state, { ...drawn, tokens } as TextSet, 1);
    expect(found / expected).toBeCloseTo(1, 4);
  });

  it("of prompts is that of whole texts with the separator where they are cut, and where they end", async () => {
    const network = buildNetworkIn(reply.architectures, `llama2d64r${STEPS}`, 1);
    const state = weightsOf(network);
    const set = reply.drawn!(4, network, "glossprompts") as PromptSet;
    const sequences = set.tokens.map((own, i) => [0, ...own, END, ...set.rest[i]]);
    expect(sequences.every((sequence) => sequence.at(-1) === END)).toBe(true);
    const expected = await oneByOne(network, state, sequences, network.classes / STEPS);
    expect((await reply.perplexity!(network, state, set, 1)) / expected).toBeCloseTo(1, 4);
  });
});
