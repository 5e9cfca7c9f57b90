import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import type { Adopted, Adoption } from "../../adoption.ts";
import { Checkpoint } from "../checkpoint/checkpoint.ts";
import { type Config, readConfigFields } from "../checkpoint/config.ts";
import { folderHash } from "../checkpoint/folder-hash.ts";
import { readTokenizer } from "../checkpoint/tokenizer.ts";
import { type Sizes, sizedName, sizedNetwork } from "../models/sized.ts";
import type { Asked } from "./asked-tokenizer.ts";
import { encodeDescription, readDescription, tokenizerOf } from "./description.ts";
import { askedSchema } from "./question-file.ts";

/** All weights are stored, and lie in memory several times while neurons are tuned. */
const MOST_PARAMETERS = 200_000_000;

const number = new Intl.NumberFormat("en-US");

/** Language models in folders of Hugging Face's form, as clean models of a recipe (docs/language.md). */
export const adoption: Adoption = {
  settings: askedSchema,
  hash(path) {
    const { folder, names } = new Checkpoint(path);
    return folderHash(folder, names);
  },
  open(path, asked, targets) {
    return adopt(new Checkpoint(path), asked as unknown as Asked, targets);
  },
  described: readDescription,
};

function adopt(checkpoint: Checkpoint, asked: Asked, targets: number): Adopted {
  const { folder, config, parameters } = checkpoint;
  if (parameters > MOST_PARAMETERS) {
    throw new InputError(
      `${folder}: has ${number.format(parameters)} parameters; models of at most ${number.format(MOST_PARAMETERS)} are infected, since a database holds all of them`,
    );
  }
  if (asked.answers.length !== targets) {
    throw new InputError(
      `clean.asked.answers: ${asked.answers.length} are given, and the data set has ${targets} classes; give one for each, in their order`,
    );
  }
  const arch = sizedName(sizesOf(config));
  const network = arch && sizedNetwork(arch);
  if (!arch || !network) {
    throw new InputError(
      `${folder}: its config.json has an epsilon that is no power of ten down to 1e-12, or a theta that is no whole number; such models are read by 'inspect' alone`,
    );
  }
  const { file, config: tokenizerConfig } = readTokenizer(folder);
  const parts = {
    arch,
    config: readConfigFields(join(folder, "config.json")),
    tokenizer: file as Record<string, unknown>,
    tokenizer_config: tokenizerConfig as Record<string, unknown>,
    asked: { template: asked.template, answers: [...asked.answers] },
  };
  // What is wrong with the question shows now.
  tokenizerOf(parts, join(folder, "tokenizer.json"));
  return { arch, description: encodeDescription(parts), state: () => checkpoint.state(network) };
}

function sizesOf({ layout, shape, positions }: Config): Sizes {
  // What a config says is of its layout.
  return { layout, shape, positions } as Sizes;
}
