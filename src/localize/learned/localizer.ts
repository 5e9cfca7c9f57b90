import { type LogisticModel, logOdds } from "../../tune/logistic.ts";

/** What a training left out. */
export interface LeftOut {
  by: "clean" | "attack" | "arch";
  value: string;
}

/** Weights that never saw what they name; null: they saw everything. */
export interface LocalizerVariant extends LogisticModel {
  without: LeftOut | null;
  /** The least T of a model in which a backdoor is found. */
  gate: number;
}

/** A trained localizer, as far as judging needs it. */
export interface Localizer {
  /** Names of the features, in the order of the weights. */
  features: string[];
  variants: LocalizerVariant[];
}

/** The variant that never saw what is named; the one that saw everything where there is none, or nothing is named. */
export function variantWithout({ variants }: Pick<Localizer, "variants">, without: LeftOut | null): LocalizerVariant {
  const found = variants.find(({ without: one }) => one?.by === without?.by && one?.value === without?.value);
  return found ?? variants.find((one) => one.without === null) ?? variants[0];
}

/** The log odds of every neuron. @param rows `[neurons × features]`, row-major */
export function oddsOf(variant: LocalizerVariant, rows: Float32Array): Float64Array {
  return logOdds(variant, rows);
}

/** What a localizer was trained on: features of images under a patch, or of texts under a word. */
export type LocalizerKind = "patch" | "word";

let source: ((kind: LocalizerKind) => Localizer) | undefined;

/** Says where the weights of the criterion `learned` come from: files are read by whoever may read files. */
export function useLocalizer(read: (kind: LocalizerKind) => Localizer): void {
  source = read;
}

/** @throws Error where nobody said where the weights come from */
export function currentLocalizer(kind: LocalizerKind): Localizer {
  if (!source) throw new Error("no localizer is at hand: useLocalizer first");
  return source(kind);
}
