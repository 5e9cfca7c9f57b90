import type { Budget } from "../../core/budget.ts";
import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import type { Samples } from "../../core/samples.ts";
import { pruneWalk } from "../prune-walk.ts";
import type { Suspect } from "../types.ts";

/** Share of all neurons pruned per step of the walk (docs/methods.md §10.3, step 5). */
const STEP = 0.005;

/** Success of the reversed trigger at which the walk is done. */
const DEAD = 0.1;

/** Relative loss of clean accuracy at which it stops. */
const MAX_RELATIVE_DROP = 0.1;

/** At most so many samples of the fit half for the rise, and of the threshold half in every step of the walk. */
export const WALK_SAMPLES: Record<Budget, { rise: number; walk: number }> = {
  demo: { rise: 100, walk: 50 },
  short: { rise: 500, walk: 250 },
  full: { rise: Number.POSITIVE_INFINITY, walk: Number.POSITIVE_INFINITY },
};

/**
 * Prunes until a reversed trigger is dead, or the quality on clean samples suffers.
 *
 * @param held samples of the threshold half
 * @param success the share of samples on which the trigger still works, under a model
 */
export async function pruneUntil(
  suspect: Suspect,
  scores: LayerScores,
  held: Samples,
  success: (model: Suspect["state"]) => Promise<number>,
): Promise<NeuronSet> {
  const { runner, state } = suspect;
  if ((await success(state)) <= DEAD) return {};
  const before = await runner.quality(state, held);
  return pruneWalk(suspect, scores, STEP, async (pruned) => {
    if (before - (await runner.quality(pruned, held)) >= MAX_RELATIVE_DROP * before) return "too much";
    return (await success(pruned)) <= DEAD ? "done" : "on";
  });
}
