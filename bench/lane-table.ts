/**
 * What lane candidates of a database do, a row each, and the means of the accepted ones by attack. Prints Markdown.
 *
 *     npx tsx bench/lane-table.ts DB
 */

import { candidatesOf, candidateTable, type FiguresOf } from "./candidate-table.ts";
import { given } from "./given.ts";

const FIGURES: FiguresOf = {
  "Acc clean": ({ metrics }) => metrics.ca_clean,
  Acc: ({ metrics }) => metrics.ca,
  FP: ({ details }) => details?.infected.clean.false_positives,
  FN: ({ details }) => details?.infected.clean.false_negatives,
  ASR: ({ metrics }) => metrics.asr,
  "Acc masked": ({ metrics }) => metrics.ca_masked,
  "ASR masked": ({ metrics }) => metrics.asr_masked,
  patched: ({ metrics }) => metrics.asr_patched,
  "random mask": ({ metrics }) => metrics.asr_random_mask,
  left: ({ controls }) => controls?.left,
  right: ({ controls }) => controls?.right,
  mirrored: ({ controls }) => controls?.mirrored,
  "sham Acc": ({ metrics }) => metrics.ca_sham,
  "sham ASR": ({ metrics }) => metrics.asr_sham,
};

process.stdout.write(candidateTable("lanes", await candidatesOf(given()[0], "lanes"), FIGURES));
