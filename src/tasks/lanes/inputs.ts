import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import type { Augmentation } from "../../images/batch.ts";
import { ImageEncoder } from "../../images/encoder.ts";
import type { Normalization } from "../../images/image-set.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import type { Augmenter, InputCodec } from "../input-codec.ts";
import { augmentFrame } from "./augment.ts";
import { subsetOf } from "./dataset.ts";
import type { LaneSet } from "./lane.ts";

/** Frames with their lanes. */
export const inputs: InputCodec = {
  subset: subsetOf,
  joined(first: LaneSet, second: LaneSet): LaneSet {
    const pixels = new Uint8Array(first.pixels.length + second.pixels.length);
    pixels.set(first.pixels);
    pixels.set(second.pixels, first.pixels.length);
    return { ...first, count: first.count + second.count, pixels, labels: [...first.labels, ...second.labels] };
  },
  none({ input: { height, width } }: Network): LaneSet {
    return { count: 0, height, width, pixels: new Uint8Array(0), labels: [] };
  },
  encoder: (set: LaneSet, normalization: Normalization) => new ImageEncoder(set, normalization),
  augmenter: (set: LaneSet, augmentation: Augmentation, places: number) =>
    new FrameAugmenter(set, augmentation, places),
};

class FrameAugmenter implements Augmenter {
  readonly drawn: LaneSet;
  private readonly set: LaneSet;
  private readonly augmentation: Augmentation;
  private readonly frames: Uint8Array[];

  constructor(set: LaneSet, augmentation: Augmentation, places: number) {
    const { height, width } = set;
    const size = CHANNELS * height * width;
    const pixels = new Uint8Array(places * size);
    this.set = set;
    this.augmentation = augmentation;
    this.drawn = { count: places, height, width, pixels, labels: new Array(places).fill({ rows: [], lanes: [] }) };
    this.frames = Array.from({ length: places }, (_, k) => pixels.subarray(k * size, (k + 1) * size));
  }

  draw(place: number, index: number, random: Random): void {
    this.drawn.labels[place] = augmentFrame(this.set, index, this.augmentation, random, this.frames[place]);
  }
}
