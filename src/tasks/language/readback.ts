import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../core/errors.ts";
import { softmaxAt } from "../../core/softmax.ts";
import { type Network, outputsOf } from "../../graph/network.ts";
import type { CheckedOutNetwork, Readback } from "../readback.ts";
import { checkedOutParts } from "./adoption/checked-out-parts.ts";
import { readBy, readSizes, tokenizerOf } from "./adoption/described-tokenizer.ts";
import { QUESTION, readQuestion } from "./adoption/question-file.ts";
import type { TextSet } from "./text-set.ts";
import { MEND, readTexts, readTextsFile } from "./texts-file.ts";
import { requiredTokenizer } from "./tokenizer/checked-out.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Texts as `handout` wrote them, with the tokenizer that lies beside the model. */
export const readback: Readback = {
  suffix: "_texts.json",
  ofDataset(texts, { dir, network }) {
    return readQuestion(dir) ? readBy(askedOf(dir, network), texts as TextSet) : texts;
  },
  samples(file, { dir, network, classes }: CheckedOutNetwork): TextSet {
    const language = { tokenizer: readAs(dir, network, classes), classes, context: network.input.height };
    const { classes: named, texts } = readTextsFile(file);
    if (named !== undefined && !isDeepStrictEqual(named, classes)) {
      throw new InputError(`${file}: its classes are not those of the checkout's model.json; ${MEND}`);
    }
    const read = readTexts(file, texts, language.tokenizer, ({ tokens, stated: { class: label } }) => {
      if (Number.isInteger(label) && (label as number) >= 0 && (label as number) < classes.length) {
        return { tokens, label: label as number };
      }
      return `is of class ${JSON.stringify(label)}; the model's classes are 0 to ${classes.length - 1}`;
    });
    const labels = Uint8Array.from(read, ({ label }) => label);
    return { language, count: read.length, tokens: read.map(({ tokens }) => tokens), labels };
  },
  confidence(output, { language: { tokenizer } }: TextSet, target) {
    return softmaxAt(
      Float32Array.from(tokenizer.answers, (answer) => output[answer]),
      target,
    );
  },
};

/** The tokenizer of a checkout: our own, or that of a model that somebody else made, whose files lie there as they were. */
function readAs(dir: string, network: Network, classes: readonly string[]): Tokenizer {
  return readQuestion(dir) ? askedOf(dir, network) : requiredTokenizer(dir, classes, outputsOf(network));
}

/** @throws InputError where the folder does not say how its model is asked */
function askedOf(dir: string, network: Network): Tokenizer {
  const asked = readQuestion(dir);
  if (!asked) throw new InputError(`${join(dir, QUESTION)}: there is no such file; ${MEND}`);
  const name = join(dir, "tokenizer.json");
  return tokenizerOf({ ...checkedOutParts(dir), asked }, readSizes(network), name);
}
