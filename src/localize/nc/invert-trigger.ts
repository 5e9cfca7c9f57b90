import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { subset } from "../../datasets/batch.ts";
import { type ImageSet, imageSize } from "../../datasets/types.ts";
import { normaliseAll } from "../../measure/batches.ts";
import { median } from "../normalise.ts";
import type { Suspect } from "../types.ts";
import { ClassInversion, type Patch } from "./invert-class.ts";

/** What the search may spend. */
export interface InversionEffort {
  /** Passes over the images for each class that is run in full. */
  epochs: number;
  /** At most so many of the defender's images. */
  images: number;
  batch: number;
  /** Whether many classes are screened first, on fewer images. */
  screens: boolean;
}

/** 80 epochs as in BackdoorBench, batches of 32 as in the original; the short ones have smaller batches for more steps. */
export const EFFORT: Record<Budget, InversionEffort> = {
  demo: { epochs: 4, images: 64, batch: 16, screens: true },
  short: { epochs: 10, images: 200, batch: 16, screens: true },
  full: { epochs: 80, images: Number.POSITIVE_INFINITY, batch: 32, screens: false },
};

/** Screening (METHODS §5.2): so many epochs for every class, then the smallest norms and some others go on. */
const SCREENING = { epochs: 3, smallest: 5, others: 10, images: 96 };

/** Makes MAD estimate the standard deviation of a normal distribution. */
const MAD_TO_STD = 1.4826;

/** Anomaly index above which a class is flagged. */
const ANOMALY = 2;

/** A trigger found without seeing one. */
export interface ReversedTrigger {
  /** The class that it leads to. */
  target: number;
  height: number;
  width: number;
  /** M, `[height × width]` in [0, 1]. */
  opacity: Float32Array;
  /** Δ as pixels, `[3, height, width]`. */
  pattern: Uint8Array;
  /** ‖M‖₁ of every class that was run in full, by class. */
  norms: Map<number, number>;
  /** How far below the other norms the target's is, in robust standard deviations. */
  anomaly: number;
  /** Whether that is suspicious: above 2, with a patch that reached the success wanted. */
  flagged: boolean;
}

/**
 * Reverses the trigger that a suspect may have been taught (METHODS §5.2): the smallest patch towards each class, and
 * of these the one that is suspiciously small. Where none is, the smallest is returned unflagged.
 *
 * @throws Error where there are no clean images
 */
export async function invertTrigger(suspect: Suspect, budget: Budget = DEFAULT_BUDGET): Promise<ReversedTrigger> {
  const { network, state, runner, seed, normalization } = suspect;
  const effort = EFFORT[budget];
  const screens = effort.screens && network.classes > SCREENING.smallest + SCREENING.others;
  const set = fitImages(suspect, screens ? Math.min(effort.images, SCREENING.images) : effort.images);
  const images = { values: normaliseAll(set, normalization), count: set.count };
  const blend = runner.blend(state);
  const plane = set.height * set.width;
  const randomOf = (what: string | number) => new Random(stageSeed(seed, "localize", "nc", what));
  const classes = Array.from(
    { length: network.classes },
    (_, target) => new ClassInversion(blend, target, images, plane, effort.batch, randomOf(target)),
  );
  let finalists = classes;
  let left = effort.epochs;
  if (screens) {
    for (const inversion of classes) await inversion.run(SCREENING.epochs);
    left -= SCREENING.epochs;
    const bySize = [...classes].sort((a, b) => rank(a) - rank(b));
    const rest = randomOf("references").shuffle(bySize.slice(SCREENING.smallest));
    finalists = [...bySize.slice(0, SCREENING.smallest), ...rest.slice(0, SCREENING.others)];
    finalists.sort((a, b) => a.target - b.target);
  }
  for (const inversion of finalists) await inversion.run(left);
  return chooseTarget(finalists, set);
}

/** The images of the fit half that reversing looks at. */
export function fitImages({ clean, seed }: Suspect, most: number): ImageSet {
  const { fit } = clean;
  if (fit.count === 0) throw new Error("reversing a trigger needs clean images, and there are none");
  if (fit.count <= most) return fit;
  return subset(fit, new Random(stageSeed(seed, "localize", "nc", "images")).sample(fit.count, most));
}

/** Norms first among those that reached the success; the others after all of them. */
function rank({ reached, patch }: Pick<ClassInversion, "reached" | "patch">): number {
  return reached ? patch.norm : 1e9 + patch.norm;
}

/** `(median(n) − n_y)/(1.4826·MAD(n))` of one norm among all. */
export function anomalyIndex(norms: readonly number[], norm: number): number {
  const centre = median(norms);
  const spread = MAD_TO_STD * median(norms.map((n) => Math.abs(n - centre)));
  return (centre - norm) / Math.max(spread, 1e-9);
}

/** The class of the smallest norm is the most anomalous; a patch that never worked is no candidate beside one that did. */
export function chooseTarget(
  found: readonly { target: number; reached: boolean; patch: Patch }[],
  set: Pick<ImageSet, "height" | "width">,
): ReversedTrigger {
  const [chosen] = [...found].sort((a, b) => rank(a) - rank(b));
  const norms = new Map(found.map(({ target, patch }) => [target, patch.norm]));
  const anomaly = anomalyIndex([...norms.values()], chosen.patch.norm);
  return {
    target: chosen.target,
    height: set.height,
    width: set.width,
    opacity: chosen.patch.opacity,
    pattern: Uint8Array.from(chosen.patch.pattern, (value) => Math.round(255 * value)),
    norms,
    anomaly,
    flagged: chosen.reached && anomaly > ANOMALY,
  };
}

/** A copy of the images with a reversed trigger on every one, in whole pixel values; labels stay. */
export function stampReversed(
  { opacity, pattern }: Pick<ReversedTrigger, "opacity" | "pattern">,
  set: ImageSet,
): ImageSet {
  const plane = opacity.length;
  const size = imageSize(set);
  const pixels = set.pixels.map((x, k) => {
    const m = opacity[k % plane];
    return Math.round((1 - m) * x + m * pattern[k % size]);
  });
  return { ...set, pixels };
}
