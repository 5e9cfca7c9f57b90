import { argmax } from "../../src/core/argmax.ts";
import { indicesOutside, subset } from "../../src/images/batch.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import type { ImageTrigger } from "../../src/images/trigger/trigger.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";

/** So many images of so many (docs/methods.md §12.1), and when that was known after the question. */
export interface Share {
  part: number;
  of: number;
  milliseconds: number;
}

/** Whose attack it is. */
export interface Attack {
  trigger: ImageTrigger;
  target: number;
  /** Whether the labels are those of the network's own classes; otherwise every image is triggered. */
  own: boolean;
}

/** ASR as a count: triggered images of other classes that go to the target. @returns null where `goOn` said no on the way */
export async function countHits(
  engine: Engine,
  state: StateDict,
  images: ImageSet,
  { trigger, target, own }: Attack,
  goOn: () => boolean,
): Promise<Share | null> {
  const begin = performance.now();
  const { classes } = engine.network;
  const others = own ? subset(images, indicesOutside(images, target)) : images;
  const logits = await engine.logits(state, stampSet(trigger, others), goOn);
  if (!logits) return null;
  let part = 0;
  for (let i = 0; i < others.count; i++) if (argmax(logits, classes, i) === target) part++;
  return { part, of: others.count, milliseconds: performance.now() - begin };
}

/** CA as a count: clean images that are classified as their label. @returns null where `goOn` said no on the way */
export async function countRight(
  engine: Engine,
  state: StateDict,
  images: ImageSet,
  goOn: () => boolean,
): Promise<Share | null> {
  const begin = performance.now();
  const { classes } = engine.network;
  const logits = await engine.logits(state, images, goOn);
  if (!logits) return null;
  let part = 0;
  for (let i = 0; i < images.count; i++) if (argmax(logits, classes, i) === images.labels[i]) part++;
  return { part, of: images.count, milliseconds: performance.now() - begin };
}
