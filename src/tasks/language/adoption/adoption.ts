import { InputError } from "../../../core/errors.ts";
import type { Adopted, Adoption } from "../../adoption.ts";
import { sizedName, sizedNetwork } from "../models/sized.ts";
import type { Asked } from "./asked-tokenizer.ts";
import { readSizes, tokenizerOf } from "./described-tokenizer.ts";
import { encodeDescription, readDescription } from "./description.ts";
import { hashOfFolder, openFolder } from "./opened-folder.ts";
import { askedSchema } from "./question-file.ts";

/** Language models in folders of Hugging Face's form, as clean models of a recipe (docs/language.md). */
export const adoption: Adoption = {
  settings: askedSchema,
  hash: hashOfFolder,
  open: (path, asked, targets) => adopt(path, asked as unknown as Asked, targets),
  described: readDescription,
};

function adopt(path: string, asked: Asked, targets: number): Adopted {
  const opened = openFolder(path, { nameOf: sizedName, networkOf: sizedNetwork });
  const { checkpoint, network, tokenizerPath } = opened;
  if (asked.answers.length !== targets) {
    throw new InputError(
      `clean.asked.answers: ${asked.answers.length} are given, and the data set has ${targets} classes; give one for each, in their order`,
    );
  }
  const parts = { ...opened.parts, asked: { template: asked.template, answers: [...asked.answers] } };
  // What is wrong with the question shows now.
  tokenizerOf(parts, readSizes(network), tokenizerPath);
  return { arch: network.arch, description: encodeDescription(parts), state: () => checkpoint.state(network) };
}
