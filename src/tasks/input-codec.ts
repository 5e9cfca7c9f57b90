import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Augmentation } from "../images/batch.ts";
import type { Normalization } from "../images/image-set.ts";
import type { StateDict } from "../tensor/state.ts";

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
  /**
   * Where a network reads numbers of things, between which nothing lies: the network behind the look-up, and the samples as that one
   * reads them. It runs on the same weights. Absent: samples are values already, and a path can lie between two of them.
   */
  lookedUp?(network: Network, state: StateDict): { network: Network; encoder(samples: Samples): Encoder };
  /** @param samples the set to draw from @param places how many draws are kept at a time */
  augmenter(samples: Samples, augmentation: Augmentation, places: number): Augmenter;
}

/** Writes samples as a network reads them: the values of its graph input `input`. */
export interface Encoder {
  /** Values of one sample. */
  readonly size: number;
  /** Writes sample `index` to `size` values from `out[at]` on. */
  write(samples: Samples, index: number, out: Float32Array, at: number): void;
}

/** Draws samples of a set, changed as training may change them (docs/methods.md §3.3). */
export interface Augmenter {
  /**
   * What was drawn last for each place, with the truths changed along where the change moves them (a mirrored road has mirrored
   * lanes). What is stamped on these stays on these.
   */
  readonly drawn: Samples;
  /** Draws sample `index` anew for a place of `drawn`. */
  draw(place: number, index: number, random: Random): void;
}

/**
 * What is left of an augmentation where a trigger must keep its place: flips, which come before stamping, and no crops, since
 * a few neurons learn a patch at one place faster than the rest of the image at many (measured).
 */
export function still(augmentation: Augmentation): Augmentation {
  return { flip: augmentation.flip, cropPadding: 0 };
}

/** The first samples of a set, all of them where there are no more. */
export function firstOf(inputs: Pick<InputCodec, "subset">, samples: Samples, count: number): Samples {
  if (count >= samples.count) return samples;
  return inputs.subset(
    samples,
    Array.from({ length: count }, (_, i) => i),
  );
}
