import type { Grid } from "../../core/grid.ts";
import type { Level } from "../../core/ids.ts";
import { multiplyAdds, stateValues } from "../../graph/cost.ts";
import { type Network, stateShapes, unitsOf } from "../../graph/network.ts";
import { ownedValues } from "../../graph/units.ts";
import { quantity } from "../../inject/quantity.ts";
import type { InjectSettings, MeasureRecipe } from "../../inject/recipe.ts";
import { EFFORT } from "../../reversal/effort.ts";
import { SEARCH } from "../../reversal/targeted.ts";
import type { TrainRecipe } from "../../train/clean.ts";

/** Images behind a data set's splits. */
export interface ImageCounts {
  train: number;
  test: number;
}

/**
 * A step of training costs about three forward passes (one backwards to activations, one to weights), a
 * step of a sub-network about two, since next to no weights get gradients.
 */
const TRAIN_PASSES = 3;
const TUNE_PASSES = 2;
/** Steps along conductance's path (docs/methods.md §9.1). */
const CONDUCTANCE_STEPS = 8;
/** Images that reversing a patch in full shows (docs/methods.md §10.13, step 3). */
const REVERSAL_IMAGES = EFFORT.full.steps * SEARCH.batch;
/** Passes over the test images: gates of the infected model and the sham, masked, patched; each clean and triggered. */
const TEST_PASSES = 8;

/** What is counted of a network, once for all candidates of a plan. */
interface Counts {
  /** Multiply-adds of one forward pass. */
  forward: number;
  stateValues: number;
  /** Of every layer of neurons: how many there are, and how many values each of them owns. */
  layers: { width: number; owned: number }[];
}

const COUNTED = new WeakMap<Network, Counts>();

function countsOf(network: Network): Counts {
  const known = COUNTED.get(network);
  if (known) return known;
  const shapes = stateShapes(network);
  const layers = unitsOf(network).map((unit) => ({ width: unit.width, owned: ownedValues(shapes, unit) }));
  const counts = { forward: multiplyAdds(network), stateValues: stateValues(network), layers };
  COUNTED.set(network, counts);
  return counts;
}

/** Multiply-adds of training a clean model. */
export function cleanWork(network: Network, recipe: TrainRecipe, images: ImageCounts): number {
  return countsOf(network).forward * TRAIN_PASSES * recipe.epochs * images.train;
}

/**
 * Multiply-adds of a candidate that is accepted at its first attempt: a yardstick to compare candidates by, not a
 * prediction. How many steps injection takes is not known before; the fewest possible stand for it, and what
 * candidates took beyond that is in the measured seconds that the yardstick scales.
 */
export function candidateWork(
  network: Network,
  level: Level,
  recipe: InjectSettings,
  measure: MeasureRecipe,
  images: ImageCounts,
): number {
  const steps = recipe.warmup_steps + recipe.annealing_steps + recipe.attempts[0].tail_steps;
  // One that hides looks at itself after each tuning; most take all rounds that they may.
  const { rounds = 0, patches = 0 } = recipe.evasion ?? {};
  const tuning = (2 + rounds) * TUNE_PASSES * steps * recipe.batch;
  const looking = (rounds + 1) * patches * REVERSAL_IMAGES * TRAIN_PASSES;
  const testing = (TEST_PASSES + measure.random_masks) * images.test;
  // Path and attribution need a backward pass; single effects run the network's rest only, half of it on average.
  const { forward, layers } = countsOf(network);
  const infected = layers.reduce((sum, { width }) => sum + quantity(level, width), 0);
  const labelling =
    measure.label_images * (CONDUCTANCE_STEPS * TRAIN_PASSES + TRAIN_PASSES + infected + measure.effect_controls);
  return forward * (tuning + looking + testing + labelling);
}

/** Values that a clean model's object holds, in words of 32 bits. */
export function cleanValues(network: Network, grid?: Grid): number {
  return countsOf(network).stateValues * wordsPerValue(grid);
}

/**
 * Values in which a fine-tuned defect differs from its clean twin, in words of 32 bits: what the infected neurons own.
 */
export function changedValues(network: Network, level: Level, grid?: Grid): number {
  const { layers } = countsOf(network);
  return layers.reduce((sum, { width, owned }) => sum + quantity(level, width) * owned, 0) * wordsPerValue(grid);
}

function wordsPerValue(grid?: Grid): number {
  return grid === undefined ? 1 : 0.5;
}
