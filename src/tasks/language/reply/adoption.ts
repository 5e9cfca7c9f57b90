import type { Adopted, Adoption, Described } from "../../adoption.ts";
import { encodeCarriedModel } from "../adoption/carried-model.ts";
import { readSizes } from "../adoption/described-tokenizer.ts";
import { decodeDescription, decoderOf, encodeDescription, filesOf } from "../adoption/description.ts";
import { hashOfFolder, openFolder } from "../adoption/opened-folder.ts";
import { adoptedReading } from "./adopted-reading.ts";
import { type AskedPrompts, askedPrompts, type Prompted } from "./asked-prompts.ts";
import { sized, sizedReplyName } from "./models.ts";
import type { PromptSet } from "./prompt-set.ts";
import { promptedSchema } from "./prompted-schema.ts";
import { STEPS } from "./reply.ts";

/** Language models in folders of Hugging Face's form, as clean models that continue prompts (docs/language.md). */
export const adoption: Adoption = {
  settings: promptedSchema,
  hash: hashOfFolder,
  open: (path, asked) => adopt(path, asked as unknown as Prompted),
  described,
};

function adopt(path: string, { template }: Prompted): Adopted {
  const { checkpoint, network, parts, tokenizerPath } = openFolder(path, { nameOf: sizedReplyName, networkOf: sized });
  const all = { ...parts, asked: { template } };
  // What is wrong with the question shows now.
  askedPrompts(all, readSizes(network, STEPS), tokenizerPath);
  return { arch: network.arch, description: encodeDescription(all), state: () => checkpoint.state(network) };
}

function described(bytes: Uint8Array, name: string): Described {
  const found = decodeDescription(promptedSchema, bytes, name);
  const sizes = () => readSizes(decoderOf(found, sized, name), STEPS);
  let asked: AskedPrompts | undefined;
  const own = () => {
    asked ??= askedPrompts(found, sizes(), name);
    return asked;
  };
  return {
    arch: found.arch,
    read(samples) {
      return own().prompts(samples as PromptSet);
    },
    files: () => {
      const { language, end } = own();
      const { before, behind, padding } = language.tokenizer;
      const tokens = { before, behind, padding, end };
      return filesOf(
        found,
        tokens,
        "how the model is given prompts: the template, its tokens, and the one that ends a text",
      );
    },
    carried: () => encodeCarriedModel(found, sizes()),
    reading: () => adoptedReading(found.asked),
  };
}
