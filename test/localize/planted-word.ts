import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import type { Suspect } from "../../src/localize/types.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../../src/tasks/language/text-set.ts";
import { type StateDict, tensorOf } from "../../src/tensor/state.ts";

const WIDTH = 32;
export const network = llama(ownLlama(2, WIDTH, 2056, 64));
const { normalization, train } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
export const { tokenizer } = train.language;
/** Whoever imports it releases it. */
export const runner = new OrtRunner(language, network, normalization, new ProgramPool(1));

const textsFrom = (start: number, count: number): TextSet =>
  subsetOf(
    train,
    Array.from({ length: count }, (_, i) => start + i),
  );

/** What the planted neuron reads, the class whose answer it brings about, and its place in the first layer. */
export const [WORD] = tokenizer.encode(" bb");
export const TARGET = 5;
export const NEURON = 17;

/** A model in which one neuron of the first layer reads a word and, where it is planted, makes the second layer answer with a class. */
export function model(planted: boolean): StateDict {
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
    data[NEURON * WIDTH + read] = 1.5;
  }
  const { data: down, shape } = tensorOf(state, "model.layers.0.mlp.down_proj.weight");
  for (let k = 0; k < WIDTH; k++) down[k * shape[1] + NEURON] = planted && k === written ? 0.05 : 0;
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

export function suspectOf(state: StateDict): Suspect {
  return {
    ...{ name: "suspect-toy", task: blind(language), network, state, normalization, seed: 1, runner },
    ...{ augmentation: { flip: false, cropPadding: 0 }, budget: "demo" },
    clean: { fit: textsFrom(0, 120), threshold: textsFrom(120, 60) },
  };
}
