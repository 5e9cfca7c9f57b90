import { emitRows } from "../src/cli/output.ts";
import { InputError } from "../src/core/errors.ts";
import { Random, stageSeed } from "../src/core/random.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import { loadEdition, trainSettings } from "../src/pipeline/recipe/recipe.ts";
import type { TextDataset } from "../src/tasks/language/dataset.ts";
import { language } from "../src/tasks/language/task.ts";
import { subsetOf, type TextSet } from "../src/tasks/language/text-set.ts";
import { triggerVisibility } from "../src/tasks/language/visibility.ts";
import { networkFor } from "../src/tasks/registry.ts";
import { trainClean } from "../src/train/clean.ts";
import { runBench } from "./run.ts";
import { loadTexts, type TextOptions, textProgram } from "./text-options.ts";

/**
 * `npx tsx bench/clean-texts.ts`: what a language model learns of a data set of texts. Settings are the edition `text`'s but for those that are
 * named. Settings are compared on the defender's texts; those of the test are told beside them.
 */

interface Options extends TextOptions {
  arch: string;
  epochs?: number;
  dropout?: number;
  decay?: number;
  wholeWords?: boolean;
  textWeight?: number;
  deviation?: number;
  embeddingDecay?: number;
  heldOut: number;
  seed: number;
}

/** Fields of a recipe and the options that set them. */
const SET_BY: Record<string, string> = {
  ...{ epochs: "--epochs", word_dropout: "--dropout", weight_decay: "--decay" },
  ...{ whole_words: "--whole-words", text_weight: "--text-weight", embedding_deviation: "--deviation" },
  embedding_decay: "--embedding-decay",
};

/** What the first layer of neurons must see (docs/language.md, Triggers). */
const RARE = { text: " cf" };

const program = textProgram("clean-texts", "Accuracy, perplexity and seconds of clean language models")
  .option("--arch <name>", "network", "llama2d64")
  .option("--epochs <n>", "in place of the edition's", Number)
  .option("--dropout <share>", "words left untold", Number)
  .option("--decay <n>", "weight decay", Number)
  .option("--whole-words", "leave out whole words, not tokens")
  .option("--text-weight <n>", "what predicting the text counts beside the answer", Number)
  .option("--deviation <n>", "of the fresh embedding's values", Number)
  .option("--embedding-decay <n>", "weight decay of the embedding", Number)
  .option(
    "--held-out <n>",
    "training texts put with the defender's, to choose settings by; the test texts are not looked at",
    Number,
    0,
  )
  .option("--seed <n>", "of the clean model", Number, 3);

await runBench(program, main);

async function main(options: Options): Promise<void> {
  const {
    arch,
    epochs,
    dropout,
    decay,
    wholeWords,
    textWeight,
    deviation,
    embeddingDecay,
    heldOut,
    seed,
    format,
    ...texts
  } = options;
  const dataset = withHeldOut(await loadTexts({ ...texts, format }), heldOut);
  const name = texts.dataset;
  const { overrides: _, ...settings } = loadEdition("text").clean;
  const recipe = {
    ...settings,
    epochs: epochs ?? settings.epochs,
    word_dropout: dropout ?? settings.word_dropout,
    weight_decay: decay ?? settings.weight_decay,
    whole_words: wholeWords ?? settings.whole_words,
    text_weight: textWeight ?? settings.text_weight,
    embedding_deviation: deviation ?? settings.embedding_deviation,
    embedding_decay: embeddingDecay ?? settings.embedding_decay,
  };
  assertSensible(recipe);
  const network = networkFor(arch, name);
  const { state, history } = await trainClean(language, network, dataset, recipe, seed);
  const runner = await createRunner(language, network, dataset.normalization, { threads: recipe.threads });
  const validation = await runner.quality(state, dataset.cleanVal);
  const test = heldOut > 0 ? null : await runner.quality(state, dataset.test);
  await runner.release();
  const judged = heldOut > 0 ? dataset.cleanVal : dataset.test;
  const row = {
    ...{ dataset: name, arch, epochs: recipe.epochs, dropout: recipe.word_dropout, decay: recipe.weight_decay, seed },
    ...{
      words: recipe.whole_words ?? false,
      text: recipe.text_weight ?? 0.5,
      deviation: recipe.embedding_deviation ?? 0.25,
      embedding_decay: recipe.embedding_decay ?? 0,
    },
    ...{ train: history.at(-1)!.accuracy, validation, test },
    perplexity: await language.perplexity!(network, state, judged, recipe.threads),
    visibility: await triggerVisibility(
      network,
      state,
      subsetOf(dataset.cleanVal, [...Array(Math.min(128, dataset.cleanVal.count)).keys()]),
      RARE,
      recipe.threads,
    ),
    seconds: history.reduce((sum, epoch) => sum + epoch.seconds, 0),
  };
  emitRows([row], format);
}

/** @throws InputError where no recipe could say so */
function assertSensible(recipe: Record<string, unknown>): void {
  const checked = trainSettings.safeParse(recipe);
  const [issue] = checked.success ? [] : checked.error.issues;
  if (issue) throw new InputError(`${SET_BY[String(issue.path[0])] ?? issue.path.join(".")}: ${issue.message}`);
  if (recipe.epochs === 0) throw new InputError("--epochs 0: nothing would be trained; give 1 or more");
}

/** The data set with the last of its training texts, in a seeded order, among those that settings are chosen by. */
function withHeldOut(dataset: TextDataset, count: number): TextDataset {
  if (count === 0) return dataset;
  if (!Number.isInteger(count) || count < 0 || count >= dataset.train.count) {
    throw new InputError(`--held-out ${count}: give a whole number below ${dataset.train.count}, the training texts`);
  }
  const order = new Random(stageSeed(1, "held out", dataset.name)).permutation(dataset.train.count);
  const held = subsetOf(dataset.train, order.slice(-count));
  return {
    ...dataset,
    train: subsetOf(dataset.train, order.slice(0, -count)),
    cleanVal: language.inputs.joined(dataset.cleanVal, held) as TextSet,
  };
}
