import { InputError } from "../core/errors.ts";
import { Random, stageSeed } from "../core/random.ts";

/** Share of the official training images that is held out for the defender (docs/methods.md §3.1). */
export const CLEAN_VAL_SHARE = 0.05;

/** Indices into the official training images, each list ascending. */
export interface Split {
  train: Int32Array;
  cleanVal: Int32Array;
}

/**
 * Holds out a random 5 %, at least one image.
 *
 * @param count official training images
 * @param dataset its name: the draw depends on it and on the seed alone
 * @throws InputError where fewer than two images leave one side empty
 */
export function splitAtRandom(count: number, seed: number, dataset: string): Split {
  const held = Math.max(1, Math.round(CLEAN_VAL_SHARE * count));
  if (count <= held) throw new InputError(`${dataset}: ${count} training images are too few for train and clean_val`);
  const order = new Random(stageSeed(seed, "split", dataset)).permutation(count);
  return { train: order.slice(held).sort(), cleanVal: order.slice(0, held).sort() };
}

/**
 * Holds out whole tracks (photos of one physical object), so that no near-copy of a held-out image is trained on: of
 * each class a random 5 % of its tracks, at least one. A class with a single track cannot be on both sides.
 *
 * @param labels class of each image
 * @param tracks of each image, numbered within its class
 * @throws InputError naming a class that has but one track
 */
export function splitByTrack(
  labels: ArrayLike<number>,
  tracks: ArrayLike<number>,
  seed: number,
  dataset: string,
): Split {
  const tracksOf = new Map<number, Set<number>>();
  for (let i = 0; i < labels.length; i++) {
    let known = tracksOf.get(labels[i]);
    if (!known) {
      known = new Set();
      tracksOf.set(labels[i], known);
    }
    known.add(tracks[i]);
  }
  const random = new Random(stageSeed(seed, "split", dataset));
  const held = new Map<number, Set<number>>();
  for (const label of [...tracksOf.keys()].sort((a, b) => a - b)) {
    const all = [...(tracksOf.get(label) ?? [])].sort((a, b) => a - b);
    if (all.length < 2) {
      throw new InputError(`${dataset}: class ${label} has a single track; train and clean_val need one each`);
    }
    random.shuffle(all);
    held.set(label, new Set(all.slice(0, Math.max(1, Math.round(CLEAN_VAL_SHARE * all.length)))));
  }
  const train: number[] = [];
  const cleanVal: number[] = [];
  for (let i = 0; i < labels.length; i++) (held.get(labels[i])?.has(tracks[i]) ? cleanVal : train).push(i);
  return { train: Int32Array.from(train), cleanVal: Int32Array.from(cleanVal) };
}
