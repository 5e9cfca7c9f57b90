import type { Samples } from "../../core/samples.ts";
import type { Suspect } from "../types.ts";
import { PositionSlices } from "./position-slices.ts";
import { ChannelSlices, type Sliced } from "./slices.ts";

/** θ (docs/methods.md §10.6): snapshots of the original have 0.2 and 0.3. */
const THETA = 0.3;

/**
 * Slices of a suspect, all against the averages of the same clean samples: of a network of sequences by position, else by channel.
 *
 * @throws Error where there are no samples
 */
export async function slicesAgainst(
  suspect: Pick<Suspect, "task" | "network" | "state" | "runner">,
  clean: Samples,
  theta = THETA,
): Promise<Sliced> {
  if (clean.count === 0) throw new Error(`slicing needs clean ${suspect.task.words.samples}, and there are none`);
  const kind = suspect.network.input.tokens ? PositionSlices : ChannelSlices;
  return kind.against(suspect, clean, theta);
}
