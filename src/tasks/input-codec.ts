import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Augmentation } from "../images/batch.ts";
import type { Normalization } from "../images/image-set.ts";

/**
 * How the samples of a task are handled and become what a network reads. Every function takes sets that this task made; truths go
 * along with their samples.
 */
export interface InputCodec {
  /** The samples at the given indices, as a set of their own. */
  subset(samples: Samples, indices: ArrayLike<number>): Samples;
  /** The samples of two sets of one shape, one set after the other. */
  joined(first: Samples, second: Samples): Samples;
  /** A set without samples, for criteria that read weights alone. */
  none(network: Network): Samples;
  /** @param samples a set of the shape that is to be encoded */
  encoder(samples: Samples, normalization: Normalization): Encoder;
  /** @param samples the set to draw from */
  augmenter(samples: Samples, augmentation: Augmentation): Augmenter;
}

/** Writes samples as a network reads them: the values of its graph input `input`. */
export interface Encoder {
  /** Values of one sample. */
  readonly size: number;
  /** Writes sample `index` to `size` values from `out[at]` on. */
  write(samples: Samples, index: number, out: Float32Array, at: number): void;
}

/** Draws samples of a set one after the other, changed as training may change them (docs/methods.md §3.3). */
export interface Augmenter {
  /**
   * Draws sample `index` anew, its truth changed along where the change moves it (a mirrored road has mirrored lanes).
   *
   * @returns a set of this sample alone, valid until the next call; what is stamped on it stays on it alone
   */
  draw(index: number, random: Random): Samples;
}

/**
 * What is left of an augmentation where a trigger must keep its place: flips, which come before stamping, and no crops, since
 * a few neurons learn a patch at one place faster than the rest of the image at many (measured).
 */
export function still(augmentation: Augmentation): Augmentation {
  return { flip: augmentation.flip, cropPadding: 0 };
}
