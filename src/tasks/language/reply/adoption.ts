import type { Adopted, Adoption, Described } from "../../adoption.ts";
import { decodeDescription, encodeDescription, filesOf } from "../adoption/description.ts";
import { hashOfFolder, openFolder } from "../adoption/opened-folder.ts";
import { adoptedReading } from "./adopted-reading.ts";
import { type AskedPrompts, askedPrompts, type Prompted, promptedSchema } from "./asked-prompts.ts";
import { sized, sizedReplyName } from "./models.ts";
import type { PromptSet } from "./prompt-set.ts";

/** Language models in folders of Hugging Face's form, as clean models that continue prompts (docs/language.md). */
export const adoption: Adoption = {
  settings: promptedSchema,
  hash: hashOfFolder,
  open: (path, asked) => adopt(path, asked as Prompted),
  described,
};

function adopt(path: string, { template }: Prompted): Adopted {
  const { checkpoint, network, parts, tokenizerPath } = openFolder(path, { nameOf: sizedReplyName, networkOf: sized });
  const all = { ...parts, asked: { template } };
  // What is wrong with the question shows now.
  askedPrompts(all, tokenizerPath);
  return { arch: network.arch, description: encodeDescription(all), state: () => checkpoint.state(network) };
}

function described(bytes: Uint8Array, name: string): Described {
  const found = decodeDescription(promptedSchema, bytes, name);
  let asked: AskedPrompts | undefined;
  return {
    arch: found.arch,
    read(samples) {
      asked ??= askedPrompts(found, name);
      return asked.prompts(samples as PromptSet);
    },
    files: () => filesOf(found, "how the model is given prompts: the template"),
    reading: () => adoptedReading(found.asked),
  };
}
