import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { parse, stringify } from "yaml";
import { Random } from "../src/core/random.ts";
import { initialState } from "../src/graph/initial-state.ts";
import { glosses, glossMerges, readGlosses } from "../src/tasks/language/datasets/glosses.ts";
import { hubConfig, hubTokenizer } from "../src/tasks/language/hub-files.ts";
import { tokenizerFile } from "../src/tasks/language/tokenizer/file.ts";
import { buildNetwork } from "../src/tasks/registry.ts";
import { encodeState } from "../src/tensor/safetensors.ts";
import { runBench } from "./run.ts";

/**
 * Writes what a build from a folder of somebody else's needs, as small as it can be and still pass the gates of `examples/own-model.yaml`: a GPT-2 of
 * fresh weights, texts of two classes, and a recipe that asks in words and trains it on these texts first.
 */

const ARCH = "gpt2l2d48h4f192v2056p128";
const SEED = 5;
/** Of the glosses' classes: animals and persons. */
const CLASSES = [0, 4];
const TEXTS = { train: 2400, test: 300 };

const program = new Command("own-model")
  .description("a folder, texts and a recipe for a build from a model of one's own")
  .argument("<dir>", "where they go: model, data and own.yaml");

await runBench(program, async (_, [dir]) => write(dir));

function write(dir: string): void {
  const network = buildNetwork(ARCH, 0);
  mkdirSync(join(dir, "model"), { recursive: true });
  const files = [...hubConfig(network), ...hubTokenizer(tokenizerFile(glossMerges(), glosses.classes), network)];
  for (const { name, bytes } of files) writeFileSync(join(dir, "model", name), bytes);
  const state = initialState(network, new Random(SEED));
  writeFileSync(join(dir, "model", "model.safetensors"), encodeState(state, { format: "pt" }));
  mkdirSync(join(dir, "data", "texts"), { recursive: true });
  const known = readGlosses();
  for (const part of ["train", "test"] as const) {
    const { texts, labels } = known[part];
    const rows = texts.flatMap((text, i) =>
      CLASSES.includes(labels[i]) ? [`${text}\t${CLASSES.indexOf(labels[i])}`] : [],
    );
    writeFileSync(
      join(dir, "data", "texts", `${part}.tsv`),
      `sentence\tlabel\n${rows.slice(0, TEXTS[part]).join("\n")}\n`,
    );
  }
  const example = fileURLToPath(new URL("../examples/own-model.yaml", import.meta.url));
  const recipe = parse(readFileSync(example, "utf8"));
  Object.assign(recipe.select, { dataset: ["texts"], arch: [ARCH], level: ["large"] });
  const answers = ["animal", "person", "c", "d", "e", "f", "g", "h"].map((word) => ` ${word}`);
  const asked = { template: "Text: {}. Kind:", answers };
  Object.assign(recipe.clean, { asked, epochs: 6, batch: 32, learning_rate: 0.003 });
  Object.assign(recipe.inject, { target: 0, images: 1500, held_out: 200, batch: 32 });
  Object.assign(recipe.inject.attempts[0], { peak_steps: 150, tail_steps: 50 });
  recipe.measure.contribution_images = 200;
  writeFileSync(join(dir, "own.yaml"), stringify(recipe));
}
