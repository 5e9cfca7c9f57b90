import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { InputError } from "../../core/errors.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { readDataFile } from "../../files/data-file.ts";
import { laneDataHash } from "./data-hash.ts";
import { IMAGENET_NORMALIZATION, type InputSize, type LaneDataset, REDUCED_INPUT, subsetOf } from "./dataset.ts";
import type { LaneSet } from "./lane.ts";
import { readFrames } from "./tusimple/frames.ts";
import { type LabelledPicture, parseLabels } from "./tusimple/label-file.ts";
import { findTusimple, TRAIN_PARTS, type TrainPart } from "./tusimple/layout.ts";

/** Lines of the official label files. */
const OFFICIAL_FRAMES: Record<TrainPart | "test", number> = {
  "label_data_0313.json": 2858,
  "label_data_0601.json": 410,
  test: 2782,
};
/** Of the whole release: frames that train, the defender's share included, and that test. */
export const TUSIMPLE_FRAMES = {
  train: OFFICIAL_FRAMES["label_data_0313.json"] + OFFICIAL_FRAMES["label_data_0601.json"],
  test: OFFICIAL_FRAMES.test,
} as const;
const OFFICIAL_TEST_MD5 = "5f911b7760c2da261402b97e725b5348";
/** Share of the clips that is held out for the defender. */
const CLEAN_VAL_SHARE = 0.05;
/** No official label file comes near. */
const MOST_LABEL_BYTES = 64 << 20;

export interface TusimpleOptions {
  /** A folder that holds the official layout, or whose sub-folder does. */
  dataDir: string;
  /** Seeds the split of train and cleanVal. */
  seed: number;
  size?: InputSize;
  /** Folder of decoded pictures; null keeps none. */
  cache: string | null;
}

/**
 * TuSimple (TuSimple benchmark, lane detection challenge, 2017) in its official layout: 0313 and 0601 train, less 5 % of their clips for
 * the defender; `test_label.json` tests.
 *
 * @throws InputError naming the file, the line and the first fault
 */
export function loadTusimple({ dataDir, seed, size = REDUCED_INPUT, cache }: TusimpleOptions): LaneDataset {
  const layout = findTusimple(dataDir);
  const testBytes = readDataFile(layout.test.file, MOST_LABEL_BYTES);
  const testLabels = parseLabels(testBytes, layout.test.file);
  const parts = TRAIN_PARTS.flatMap((name) => {
    const place = layout.train[name];
    return place ? [{ name, place, labels: parseLabels(readDataFile(place.file, MOST_LABEL_BYTES), place.file) }] : [];
  });
  const split = splitByClip(
    parts.flatMap(({ labels }) => labels),
    seed,
  );
  const sets = parts.map(({ place, labels }) => readFrames(labels, place.pictures, size, cache));
  const train = joined(sets, size);
  const test = readFrames(testLabels, layout.test.pictures, size, cache);
  const counts = Object.fromEntries(parts.map(({ name, labels }) => [name, labels.length]));
  return {
    name: "tusimple",
    title: "TuSimple, lanes on highways",
    normalization: IMAGENET_NORMALIZATION,
    train: subsetOf(train, split.train),
    cleanVal: subsetOf(train, split.cleanVal),
    test,
    dataHash: laneDataHash(train, test),
    completeness: tusimpleCompleteness({ ...counts, test: testLabels.length }, testBytes),
  };
}

/** `official` where the label files have all their lines and the test file its MD5. @param frames lines of each file */
export function tusimpleCompleteness(
  frames: Partial<Record<TrainPart | "test", number>>,
  testBytes: Uint8Array,
): "official" | "subset" {
  const isWhole = ([...TRAIN_PARTS, "test"] as const).every((part) => frames[part] === OFFICIAL_FRAMES[part]);
  const md5 = createHash("md5").update(testBytes).digest("hex");
  return isWhole && md5 === OFFICIAL_TEST_MD5 ? "official" : "subset";
}

/**
 * Holds out a random 5 % of the clips, at least one, so that no frame of a held-out clip is trained on.
 *
 * @returns indices, each list ascending. @throws InputError where there is but one clip
 */
export function splitByClip(
  labels: readonly Pick<LabelledPicture, "picture">[],
  seed: number,
): { train: number[]; cleanVal: number[] } {
  const clipOf = labels.map(({ picture }) => dirname(picture));
  const clips = [...new Set(clipOf)].sort();
  if (clips.length < 2) throw new InputError("tusimple: has a single clip; train and clean_val need one each");
  const held = Math.max(1, Math.round(CLEAN_VAL_SHARE * clips.length));
  const order = new Random(stageSeed(seed, "split", "tusimple")).permutation(clips.length);
  const heldClips = new Set(Array.from(order.subarray(0, held), (i) => clips[i]));
  const split = { train: [] as number[], cleanVal: [] as number[] };
  for (const [i, clip] of clipOf.entries()) (heldClips.has(clip) ? split.cleanVal : split.train).push(i);
  return split;
}

function joined(sets: readonly LaneSet[], size: InputSize): LaneSet {
  const pixels = new Uint8Array(sets.reduce((sum, set) => sum + set.pixels.length, 0));
  let at = 0;
  for (const set of sets) {
    pixels.set(set.pixels, at);
    at += set.pixels.length;
  }
  const labels = sets.flatMap((set) => set.labels);
  return { count: labels.length, ...size, pixels, labels };
}
