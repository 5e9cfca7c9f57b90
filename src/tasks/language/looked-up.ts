import type { Samples } from "../../core/samples.ts";
import type { Network } from "../../graph/network.ts";
import { tableOf } from "../../graph/ops/embedding.ts";
import { fromVectors } from "../../graph/programs/language.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import type { Encoder } from "../input-codec.ts";
import { type Tokenised, writeSequence } from "./text-set.ts";

/**
 * A network that reads embedded sequences in place of numbers, and texts as it reads them: `[vector, mark]` at each position.
 *
 * @param written writes a text as the network itself reads it
 */
export function lookedUp(
  network: Network,
  state: StateDict,
  written: typeof writeSequence = writeSequence,
): { network: Network; encoder(samples: Samples): Encoder } {
  const embedding = network.nodes.find((node) => node.op === "embedding");
  if (!embedding) throw new Error(`${network.arch} has no embedding`);
  const { width } = embedding;
  const table = tensorOf(state, tableOf(embedding)).data;
  const encoder = (samples: Samples): Encoder => {
    const { context } = (samples as Tokenised).language;
    const numbers = new Float32Array(2 * context);
    return {
      size: context * (width + 1),
      write(set: Samples, index: number, out: Float32Array, at: number) {
        written(set as Tokenised, index, numbers, 0);
        for (let t = 0; t < context; t++) {
          const row = numbers[2 * t] * width;
          out.set(table.subarray(row, row + width), at + t * (width + 1));
          out[at + t * (width + 1) + width] = numbers[2 * t + 1];
        }
      },
    };
  };
  return { network: fromVectors(network), encoder };
}
