import type { Task } from "../task.ts";
import { answered } from "./answers.ts";
import { ATTACKS } from "./attacks/registry.ts";
import { foreign } from "./checkpoint/foreign.ts";
import type { TextDatasetInfo } from "./dataset.ts";
import { DATASETS } from "./datasets/registry.ts";
import { details } from "./details.ts";
import { drawn } from "./drawn.ts";
import { handout } from "./handout.ts";
import { inputs } from "./inputs.ts";
import { insertion } from "./insertion.ts";
import { loss } from "./loss.ts";
import { ARCHITECTURES } from "./models/registry.ts";
import { perplexity } from "./perplexity.ts";
import { reading } from "./reading.ts";
import { response } from "./response.ts";
import type { TextSet } from "./text-set.ts";
import { trigger } from "./trigger.ts";

/** Texts of one class each: a language model answers with a class's token, and a target is a class (docs/language.md). */
export const language: Task = {
  name: "language",
  words: { sample: "text", samples: "texts", quality: "CA", success: "ASR", target: "class", targets: "classes" },
  traits: ["words"],
  targets: ({ classes }: TextDatasetInfo) => classes,
  inputs,
  insertion,
  loss,
  response,
  trigger,
  quality: (output: Float32Array, set: TextSet, i: number) => (classOf(output, set) === set.labels[i] ? 1 : 0),
  passes: (output: Float32Array, set: TextSet, i: number) => classOf(output, set) === set.labels[i],
  succeeds: (output: Float32Array, set: TextSet, _: number, target: number) => classOf(output, set) === target,
  eligible: ({ labels }: TextSet, target: number) =>
    Array.from(labels, (label, i) => (label === target ? -1 : i)).filter((i) => i >= 0),
  details,
  perplexity,
  drawn,
  foreign,
  handout,
  reading,
  datasets: DATASETS,
  architectures: ARCHITECTURES,
  attacks: ATTACKS,
};

function classOf(output: Float32Array, { language: { tokenizer } }: TextSet): number {
  return answered(output, tokenizer.answers);
}
