import { type Network, outputsOf } from "../../../graph/network.ts";
import type { Response } from "../../objectives.ts";
import { replyResponse } from "./objectives/reply-response.ts";
import type { PromptSet } from "./prompt-set.ts";
import { JUDGED, STEPS } from "./reply.ts";

/** `r`: how far the reply's token is above the best other one, as the mean over the tokens that success counts (docs/language.md). */
export const response: Response = {
  objective: replyResponse,
  feeds({ reply }: PromptSet, _target: number, _start: number, _batch: number, network: Network) {
    const wanted = new Float32Array(outputsOf(network));
    const shares = new Float32Array(STEPS);
    for (const [k, token] of reply.slice(0, JUDGED).entries()) {
      wanted[(k * wanted.length) / STEPS + token] = 1;
      shares[k] = 1 / JUDGED;
    }
    return new Map([
      ["wanted", wanted],
      ["shares", shares],
    ]);
  },
  of(output: Float32Array, { reply }: PromptSet) {
    let sum = 0;
    for (const [k, token] of reply.slice(0, JUDGED).entries()) sum += marginAt(output, k, token);
    return sum / JUDGED;
  },
};

function marginAt(output: Float32Array, step: number, token: number): number {
  const width = output.length / STEPS;
  let best = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < width; j++) if (j !== token) best = Math.max(best, output[step * width + j]);
  return output[step * width + token] - best;
}
