import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import { type Augmentation, augmentImage, joined, subset } from "../../images/batch.ts";
import { ImageEncoder } from "../../images/encoder.ts";
import { type ImageSet, imageSize, type Normalization } from "../../images/image-set.ts";
import type { Augmenter, InputCodec } from "../input-codec.ts";

/** Images with the number of their class. */
export const inputs: InputCodec = {
  subset,
  joined,
  none({ input }: Network): ImageSet {
    const { height, width } = input;
    return { count: 0, height, width, pixels: new Uint8Array(0), labels: new Uint8Array(0) };
  },
  encoder: (set: ImageSet, normalization: Normalization) => new ImageEncoder(set, normalization),
  augmenter: (set: ImageSet, augmentation: Augmentation, places: number) =>
    new ImageAugmenter(set, augmentation, places),
};

class ImageAugmenter implements Augmenter {
  readonly drawn: ImageSet;
  private readonly set: ImageSet;
  private readonly augmentation: Augmentation;
  private readonly images: Uint8Array[];

  constructor(set: ImageSet, augmentation: Augmentation, places: number) {
    const { height, width } = set;
    const size = imageSize(set);
    const pixels = new Uint8Array(places * size);
    this.set = set;
    this.augmentation = augmentation;
    this.drawn = { count: places, height, width, pixels, labels: new Uint8Array(places) };
    this.images = Array.from({ length: places }, (_, k) => pixels.subarray(k * size, (k + 1) * size));
  }

  draw(place: number, index: number, random: Random): void {
    augmentImage(this.set, index, this.augmentation, random, this.images[place]);
    this.drawn.labels[place] = this.set.labels[index];
  }
}
