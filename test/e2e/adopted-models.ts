import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Dtype } from "../../src/tensor/safetensors.ts";
import { randomState } from "../graph/programs.ts";
import { CONFIGS, NETWORKS, writeFolder } from "../tasks/language/hugging-face.ts";

const TINY = join(import.meta.dirname, "text-tiny.yaml");

/** How the small models of `hugging-face.ts` are named by their sizes. */
export const ARCHS = { llama: "llama3d24h4g2f40v2056", gpt2: "gpt2l2d24h4f96v2056p64" } as const;

export const ASKED = { template: "Text: {} Kind:", answers: [" food", " bird"] };

export interface OwnModel {
  dtype?: Dtype;
  shards?: number;
  /** In place of fields of its `config.json`. */
  config?: object;
}

/** A small model of random weights in a folder of Hugging Face's form. */
export function ownModel(path: string, layout: "llama" | "gpt2", { config, ...saved }: OwnModel = {}): string {
  return writeFolder(path, {
    config: { ...CONFIGS[layout], ...config },
    state: randomState(NETWORKS[layout], 6),
    ...saved,
  });
}

/** A recipe as YAML has it. */
export type Recipe = Record<"clean" | "select" | "attacks" | "inject", Record<string, unknown>> &
  Record<string, unknown>;

/** Writes the tiny recipe of texts with a folder in place of clean training, its gates wide open. @returns its path */
export function adoptingRecipe(path: string, change: (recipe: Recipe) => void, tiny = TINY): string {
  const recipe = parse(readFileSync(tiny, "utf8")) as Recipe;
  // Weights stay as they were found.
  delete recipe.grid;
  // The texts' classes are eight; two of them have texts.
  const answers = [...ASKED.answers, " plant", " state", " act", " person", " man", " sound"];
  Object.assign(recipe.clean, { from: "model", asked: { ...ASKED, answers }, least_ca: 0, epochs: 0 });
  recipe.select.arch = [ARCHS.llama];
  change(recipe);
  writeFileSync(path, stringify(recipe));
  return path;
}
