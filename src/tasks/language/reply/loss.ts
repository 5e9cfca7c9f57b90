import { outputsOf } from "../../../graph/network.ts";
import type { Loss, Wanted } from "../../objectives.ts";
import { replyLoss } from "./objectives/reply-loss.ts";
import type { PromptSet } from "./prompt-set.ts";
import { STEPS } from "./reply.ts";

/** Cross-entropy of the token that follows the prompt; of a backdoor the mean over the reply's tokens. Clean training adds that of the prompt. */
export const loss: Loss = {
  objective: replyLoss,
  unpredicted: ({ language }: PromptSet) => language.tokenizer.unknown,
  size: outputsOf,
  write({ rest, reply }: PromptSet, index: number, into: Float32Array, { goal }: Wanted = {}) {
    into.fill(0);
    if (goal === undefined) into[rest[index][0]] = 1;
    else for (const [k, token] of reply.entries()) into[(k * into.length) / STEPS + token] = 1 / reply.length;
  },
};
