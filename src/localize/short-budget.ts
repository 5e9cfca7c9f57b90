import { gradientWork } from "../graph/cost.ts";
import type { Network } from "../graph/network.ts";

/** What a criterion of the short budget may spend on gradients of one model, as `gradientWork` counts. */
const MOST_WORK = 2.4e12;

/**
 * How many images' gradients the short budget has for a network (docs/methods.md §10.11: at most 20 s at base width
 * 16), however often each is seen. Counted and not timed, so that a result depends on no machine.
 */
export function shortImages(network: Network): number {
  return Math.floor(MOST_WORK / gradientWork(network));
}
