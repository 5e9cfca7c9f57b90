import { InputError } from "../../core/errors.ts";
import type { LabelledTexts } from "./datasets/tsv.ts";
import type { Merge } from "./tokenizer/train.ts";

/** Test texts as a site carries them for its page, with what their tokenizer is made of. */
export interface CarriedTexts {
  kind: "texts";
  /** Names of the classes, in the order of the labels. */
  classes: readonly string[];
  /** The two tokens of each merge, a space between them. */
  merges: string[];
  texts: string[];
  /** Class of each text. */
  labels: number[];
}

/** @throws InputError where the text is no such file */
export function readCarried(json: string, name: string): LabelledTexts & { classes: string[]; merges: Merge[] } {
  const refused = new InputError(`${name}: holds no texts`);
  let read: Partial<CarriedTexts> | null;
  try {
    read = JSON.parse(json);
  } catch {
    throw refused;
  }
  const { kind, classes, merges, texts, labels } = read ?? {};
  if (kind !== "texts" || !isWords(classes) || !isWords(merges) || !isWords(texts)) throw refused;
  const isLabel = (label: unknown) =>
    Number.isInteger(label) && (label as number) >= 0 && (label as number) < classes.length;
  if (texts.length === 0 || !Array.isArray(labels) || labels.length !== texts.length || !labels.every(isLabel))
    throw refused;
  const pairs = merges.map((merge) => merge.split(" "));
  if (pairs.some(({ length }) => length !== 2)) throw refused;
  return { classes: [...classes], merges: pairs as unknown as Merge[], texts, labels: Uint8Array.from(labels) };
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}
