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
  augmenter: (set: ImageSet, augmentation: Augmentation) => new ImageAugmenter(set, augmentation),
};

class ImageAugmenter implements Augmenter {
  private readonly set: ImageSet;
  private readonly augmentation: Augmentation;
  private readonly drawn: ImageSet;

  constructor(set: ImageSet, augmentation: Augmentation) {
    const { height, width } = set;
    this.set = set;
    this.augmentation = augmentation;
    this.drawn = { count: 1, height, width, pixels: new Uint8Array(imageSize(set)), labels: new Uint8Array(1) };
  }

  draw(index: number, random: Random): ImageSet {
    augmentImage(this.set, index, this.augmentation, random, this.drawn.pixels);
    this.drawn.labels[0] = this.set.labels[index];
    return this.drawn;
  }
}
