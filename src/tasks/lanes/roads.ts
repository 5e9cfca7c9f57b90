import { Random, stageSeed } from "../../core/random.ts";
import { cachedBytes } from "../../files/cached.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { laneDataHash } from "./data-hash.ts";
import { type InputSize, type LaneDataset, type Normalization, REDUCED_INPUT, subsetOf } from "./dataset.ts";
import type { LaneSet } from "./lane.ts";
import { drawRoads, roadLabels } from "./roads/draw.ts";
import { ROADS_FRAMES, ROADS_SEED } from "./roads/frames.ts";

/** Share of the training frames that is held out for the defender. */
const CLEAN_VAL_SHARE = 0.05;
/** Raised when the drawing changes, so that frames of an earlier one are not taken from the cache. */
const REVISION = 1;

/** Measured on the 4,000 training frames. */
export const ROADS_NORMALIZATION: Normalization = { mean: [0.388, 0.4001, 0.4061], std: [0.1601, 0.1668, 0.1889] };

export interface RoadsOptions {
  /** Seeds the split of train and cleanVal. */
  seed: number;
  size?: InputSize;
  /** Folder of drawn frames; null keeps none. */
  cache: string | null;
}

/** Procedurally drawn roads with lanes: no files, no download. */
export function loadRoads({ seed, size = REDUCED_INPUT, cache }: RoadsOptions): LaneDataset {
  const train = roadSet(ROADS_FRAMES.train, "train", size, cache);
  const test = roadSet(ROADS_FRAMES.test, "test", size, cache);
  const order = new Random(stageSeed(seed, "split", "roads")).permutation(train.count);
  const held = Math.round(CLEAN_VAL_SHARE * train.count);
  return {
    name: "roads",
    title: "Drawn roads with lanes",
    normalization: ROADS_NORMALIZATION,
    train: subsetOf(train, order.slice(held).sort()),
    cleanVal: subsetOf(train, order.slice(0, held).sort()),
    test,
    dataHash: laneDataHash(train, test),
    completeness: "generated",
  };
}

function roadSet(count: number, split: string, size: InputSize, cache: string | null): LaneSet {
  const name = `roads-${REVISION}-${split}-${count}-${size.height}x${size.width}.u8`;
  const length = count * CHANNELS * size.height * size.width;
  const pixels = cachedBytes(cache, name, length, () => drawRoads(count, ROADS_SEED, split, size));
  return { count, ...size, pixels, labels: roadLabels(count, ROADS_SEED, split) };
}
