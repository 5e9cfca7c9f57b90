import { emitRows } from "../src/cli/output.ts";
import type { TextSet } from "../src/tasks/language/text-set.ts";
import { runBench } from "./run.ts";
import { accuracyOf, fitSoftmax } from "./softmax-regression.ts";
import { loadTexts, type TextOptions, textProgram } from "./text-options.ts";
import { wordFeatures } from "./word-features.ts";

/**
 * `npx tsx bench/words.ts`: how far bags of words go on a data set of texts, as a measure of what a network could reach. Settings are
 * chosen on the defender's texts, and the test texts are looked at with the best alone.
 */

const program = textProgram("words", "Accuracy of softmax regression on words and pairs of neighbours");

await runBench(program, main);

async function main(options: TextOptions): Promise<void> {
  const { dataset: name, format } = options;
  const dataset = await loadTexts(options);
  const textsOf = (set: TextSet) => set.tokens.map((tokens) => set.language.tokenizer.decode(tokens));
  const { train, cleanVal, test } = dataset;
  const features = wordFeatures(textsOf(train));
  const [fitted, chosenBy, judged] = [train, cleanVal, test].map((set) => features.rows(textsOf(set)));
  const sizes = { features: features.count, classes: dataset.classes.length };
  const rows = [];
  let best: { validation: number; row: Record<string, unknown>; test: () => number } | undefined;
  for (const epochs of [10, 20]) {
    for (const l2 of [0, 1e-5]) {
      const model = fitSoftmax(fitted, train.labels, sizes, { epochs, rate: 1, l2, seed: 1 });
      const validation = accuracyOf(model, chosenBy, cleanVal.labels);
      const own = {
        dataset: name,
        features: sizes.features,
        epochs,
        l2,
        train: accuracyOf(model, fitted, train.labels),
      };
      const row: Record<string, unknown> = { ...own, validation, test: null };
      rows.push(row);
      if (best && best.validation >= validation) continue;
      best = { validation, row, test: () => accuracyOf(model, judged, test.labels) };
    }
  }
  best!.row.test = best!.test();
  emitRows(rows, format);
}
