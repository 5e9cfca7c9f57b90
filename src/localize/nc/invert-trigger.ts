import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { median } from "../../core/statistics.ts";
import { activationBytes } from "../../graph/cost.ts";
import type { Network } from "../../graph/network.ts";
import { asImages, type Images } from "../../images/image-set.ts";
import { encodeAll } from "../../measure/batches.ts";
import { shortImages } from "../short-budget.ts";
import type { Suspect } from "../types.ts";
import { ClassInversion, invertTogether, type Patch } from "./invert-class.ts";
import type { ReversedTrigger } from "./reversed-trigger.ts";

/** What the search may spend. */
export interface InversionEffort {
  /** Passes over the images for each class that is run in full. */
  epochs: number;
  /** At most so many of the defender's images. */
  images: number;
  batch: number;
  /** Images for screening, where there are so many classes that they are screened first; 0: all are run in full. */
  screening: number;
}

/** 80 epochs as in BackdoorBench, batches of 32 as in the original; the short ones have smaller batches for more steps. */
const EFFORT: Record<Budget, InversionEffort> = {
  demo: { epochs: 4, images: 64, batch: 16, screening: 64 },
  short: { epochs: 10, images: 200, batch: 16, screening: 96 },
  full: { epochs: 80, images: Number.POSITIVE_INFINITY, batch: 32, screening: 0 },
};

/** Screening (docs/methods.md §10.3): so many epochs for every class, then the smallest norms and some others go on. */
const SCREENING = { epochs: 3, smallest: 5, others: 10 };

/** At most so many images of several classes in one batch, and so many bytes of their activations. */
const TOGETHER = { images: 80, bytes: 40e6 };

/** However large the network is: below, a share of images that must be met means all of them. */
const SMALLEST_BATCH = 4;

/** Whether so many classes are screened. */
function screens(searches: number, { screening }: InversionEffort): boolean {
  return screening > 0 && searches > SCREENING.smallest + SCREENING.others;
}

/**
 * Epochs, images and batch of each budget. Steps are worth more than images: where all classes together would be too
 * much for the short one, images and batches are halved, and the steps stay as many.
 *
 * @param searches how many patches are searched for: one for each class, unless another number is given
 */
export function effortFor(network: Network, budget: Budget, searches = network.classes): InversionEffort {
  let effort = EFFORT[budget];
  if (budget !== "short") return effort;
  while (effort.batch > SMALLEST_BATCH && imagesSeen(searches, effort) > shortImages(network)) {
    const { images, batch, screening } = effort;
    effort = { ...effort, images: images / 2, batch: batch / 2, screening: screening / 2 };
  }
  return effort;
}

/** Gradients that all searches take. */
function imagesSeen(searches: number, effort: InversionEffort): number {
  const { epochs, images, screening } = effort;
  if (!screens(searches, effort)) return searches * epochs * images;
  const finalists = SCREENING.smallest + SCREENING.others;
  return searches * SCREENING.epochs * screening + finalists * (epochs - SCREENING.epochs) * screening;
}

/** Makes MAD estimate the standard deviation of a normal distribution. */
const MAD_TO_STD = 1.4826;

/** Anomaly index above which a class is flagged. */
const ANOMALY = 2;

/**
 * Reverses the trigger that a suspect may have been taught (docs/methods.md §10.3): the smallest patch towards each
 * class, and of these the one that is suspiciously small. Where none is, the smallest is returned unflagged.
 *
 * @throws Error where there are no clean images
 */
export async function invertTrigger(suspect: Suspect, budget: Budget = DEFAULT_BUDGET): Promise<ReversedTrigger> {
  const { network, state, runner, seed } = suspect;
  const effort = effortFor(network, budget);
  const screened = screens(network.classes, effort);
  const set = asImages(fitImages(suspect, screened ? effort.screening : effort.images));
  const images = { values: encodeAll(suspect, set), count: set.count };
  const blend = runner.blend(state);
  const most = classesTogether(network, Math.min(effort.batch, set.count));
  const plane = set.height * set.width;
  const randomOf = (what: string | number) => new Random(stageSeed(seed, "localize", "nc", what));
  const classes = Array.from(
    { length: network.classes },
    (_, target) => new ClassInversion(target, images, plane, effort.batch, randomOf(target)),
  );
  let finalists = classes;
  let left = effort.epochs;
  if (screened) {
    await invertTogether(blend, classes, SCREENING.epochs, most);
    left -= SCREENING.epochs;
    const bySize = [...classes].sort((a, b) => rank(a) - rank(b));
    const rest = randomOf("references").shuffle(bySize.slice(SCREENING.smallest));
    finalists = [...bySize.slice(0, SCREENING.smallest), ...rest.slice(0, SCREENING.others)];
    finalists.sort((a, b) => a.target - b.target);
  }
  await invertTogether(blend, finalists, left, most);
  return chooseTarget(finalists, set);
}

/** How many classes share a batch of so many images for each: as many as keep the processor busy, and memory within bounds. */
function classesTogether(network: Network, each: number): number {
  const images = Math.min(TOGETHER.images, TOGETHER.bytes / activationBytes(network, 1));
  return Math.max(1, Math.floor(images / each));
}

/** The images of the fit half that reversing looks at. */
export function fitImages({ task, clean, seed }: Suspect, most: number): Samples {
  const { fit } = clean;
  if (fit.count === 0) throw new Error("reversing a trigger needs clean images, and there are none");
  if (fit.count <= most) return fit;
  const chosen = new Random(stageSeed(seed, "localize", "nc", "images")).sample(fit.count, most);
  return task.inputs.subset(fit, chosen);
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
  set: Pick<Images, "height" | "width">,
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
