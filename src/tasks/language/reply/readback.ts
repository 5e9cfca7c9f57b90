import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../../core/errors.ts";
import { softmaxAt } from "../../../core/softmax.ts";
import { type Network, outputsOf } from "../../../graph/network.ts";
import type { Readback } from "../../readback.ts";
import { checkedOutParts } from "../adoption/checked-out-parts.ts";
import { readSizes } from "../adoption/described-tokenizer.ts";
import { readQuestionAs } from "../adoption/question-file.ts";
import { spaced } from "../language-of.ts";
import { areTokens, MEND, readTexts, readTextsFile } from "../texts-file.ts";
import { requiredTokenizer } from "../tokenizer/checked-out.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type AskedPrompts, askedPrompts } from "./asked-prompts.ts";
import { END, type PromptSet, promptLanguage, replyTokens, restOf } from "./prompt-set.ts";
import { promptedSchema } from "./prompted-schema.ts";
import { JUDGED, REPLY, STEPS } from "./reply.ts";

/** Prompts as `handout` wrote them, with the tokenizer that lies beside the model. */
export const readback: Readback = {
  suffix: "_texts.json",
  ofDataset: (prompts, { dir, network }) => askedOf(dir, network)?.prompts(prompts as PromptSet) ?? prompts,
  samples(file, { dir, network, classes }): PromptSet {
    if (!isDeepStrictEqual(classes, [REPLY])) {
      throw new InputError(`${join(dir, "model.json")}: its 'classes' are not the reply '${REPLY}'; ${MEND}`);
    }
    const { language, end } = askedOf(dir, network) ?? {
      language: promptLanguage(requiredTokenizer(dir, [], outputsOf(network) / STEPS).file),
      end: END,
    };
    const { tokenizer } = language;
    const reply = replyTokens(tokenizer, end);
    const { reply: named, texts } = readTextsFile(file);
    if (named !== undefined && !isDeepStrictEqual(named, reply)) {
      throw new InputError(`${file}: its 'reply' is not '${REPLY}' by the checkout's tokenizer; ${MEND}`);
    }
    const read = readTexts(file, texts, tokenizer, ({ tokens, stated }) => {
      const rest = restIn(stated.rest, tokenizer, end);
      return typeof rest === "string" ? rest : { tokens, rest };
    });
    return {
      ...{ language, reply, end, count: read.length },
      tokens: read.map(({ tokens }) => tokens),
      told: read.map(() => []),
      rest: read.map(({ rest }) => rest),
    };
  },
  /** That of all tokens that success counts, each behind the earlier ones. */
  confidence(output, { reply }: PromptSet) {
    const width = output.length / STEPS;
    const at = (token: number, k: number) => softmaxAt(output.subarray(k * width, (k + 1) * width), token);
    return reply.slice(0, JUDGED).reduce((product, token, k) => product * at(token, k), 1);
  },
};

/** How a model that somebody else made is asked; null: the checkout's is our own. @throws InputError */
function askedOf(dir: string, network: Network): AskedPrompts | null {
  const asked = readQuestionAs(promptedSchema, "template", dir);
  if (!asked) return null;
  const name = join(dir, "tokenizer.json");
  const sizes = readSizes(network, STEPS);
  return askedPrompts({ ...checkedOutParts(dir), asked }, sizes, name);
}

/** What follows a prompt, as tokens or in words, the end behind it; or what is wrong with it. */
function restIn(rest: unknown, tokenizer: Tokenizer, end: number): number[] | string {
  if (typeof rest === "string") {
    const words = rest.trim();
    return restOf(words === "" ? [] : tokenizer.encode(spaced(words)), 0, end);
  }
  if (rest === undefined) return `has no 'rest', the words that follow the prompt in its own text; ${MEND}`;
  if (areTokens(rest, tokenizer) && rest.indexOf(end) === rest.length - 1) return rest;
  return `has a 'rest' that is neither words nor tokens that end with ${end}; ${MEND}`;
}
