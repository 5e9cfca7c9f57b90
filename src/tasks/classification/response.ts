import { type Network, outputsOf } from "../../graph/network.ts";
import { backdoorResponse, responseOf } from "../../graph/objectives/backdoor-response.ts";
import type { ImageSet } from "../../images/image-set.ts";
import type { Response } from "../objectives.ts";

/** `r = f_t − max_{j≠t} f_j` (docs/methods.md §9.1). */
export const response: Response = {
  objective: backdoorResponse,
  feeds(_samples: ImageSet, target: number, _start: number, _batch: number, network: Network) {
    const oneHot = new Float32Array(outputsOf(network));
    oneHot[target] = 1;
    return new Map([["target", oneHot]]);
  },
  of: (output: Float32Array, _samples: ImageSet, _i: number, target: number) => responseOf(output, target),
};
