import { type Network, outputsOf } from "../../graph/network.ts";
import type { Response } from "../objectives.ts";
import { margin } from "./answers.ts";
import { answerResponse } from "./objectives/answer-response.ts";
import type { TextSet } from "./text-set.ts";

/** `r = z_t − max_{j≠t} z_j` over the answers (docs/language.md). */
export const response: Response = {
  objective: answerResponse,
  feeds({ language }: TextSet, target: number, _start: number, _batch: number, network: Network) {
    const { answers } = language.tokenizer;
    const [own, rivals] = [0, 1].map(() => new Float32Array(outputsOf(network)));
    for (const [c, token] of answers.entries()) (c === target ? own : rivals)[token] = 1;
    return new Map([
      ["target", own],
      ["rivals", rivals],
    ]);
  },
  of: (output: Float32Array, { language }: TextSet, _: number, target: number) =>
    margin(output, language.tokenizer.answers, target),
};
