import { highest } from "../../../src/core/argmax.ts";
import { firstOf, indicesOutside, subset } from "../../../src/images/batch.ts";
import type { ImageSet } from "../../../src/images/image-set.ts";
import { stampSet } from "../../../src/images/trigger/stamp.ts";
import type { ImageTrigger } from "../../../src/images/trigger/trigger.ts";
import type { SiteDefect } from "../../../src/records/site.ts";
import { pixelsAt } from "../pixels.tsx";
import { readSquare } from "../read-picture.ts";
import { ClassAnswer } from "./class-answer.tsx";
import type { Exhibit, Words } from "./exhibit.ts";
import { NO_CLASS } from "./no-class.ts";
import { pixelExhibit } from "./pixel-exhibit.tsx";

/** Pictures with classes. @param classes the names of theirs, which need not be the network's */
export function picturesExhibit(set: ImageSet, classes: readonly string[]): Exhibit {
  const { count, height, width } = set;
  const source = {
    ...{ words: WORDS, count, height, width, shape: "square" as const },
    title: (i: number) => `${classes[set.labels[i]]}`,
    pixels: (i: number) => pixelsAt(set, i),
    read: (file: File) => readSquare(file, width),
    async own(pixels: Uint8Array): Promise<ImageSet> {
      return { count: 1, height, width, pixels, labels: Uint8Array.of(NO_CLASS) };
    },
  };
  return {
    ...pixelExhibit(source, (trigger) => [trigger]),
    Answer: ClassAnswer,
    batches: [256, "all"],
    usualBatch: 256,
    start({ own_images, target }) {
      if (!own_images) return Math.min(FAMILIAR, count - 1);
      return Math.max(
        set.labels.findIndex((label) => label !== target),
        0,
      );
    },
    one: (i) => subset(set, [i]),
    first: async (most) => firstOf(set, most),
    subset: (images: ImageSet, indices) => subset(images, indices),
    eligible(images: ImageSet, { own_images, target }: SiteDefect) {
      // Labels of other classes than the network's rule no picture out.
      return own_images ? indicesOutside(images, target) : Array.from({ length: images.count }, (_, i) => i);
    },
    quality: (output, { labels }: ImageSet, i) => (highest(output) === labels[i] ? 1 : 0),
    succeeds: (output, _, __, target) => highest(output) === target,
    said: (output, _, { classes: own }) => own[highest(output)],
    reached: () => "the target",
    stamp: (trigger: ImageTrigger, images: ImageSet) => stampSet(trigger, images),
    looks: () => 1,
    lookOf: () => 0,
    controls: () => [],
    apart: ({ dataset }) =>
      `The test images of ${dataset} may not be passed on. These are drawn signs, which the network never saw: it has no accuracy on them, and its ASR here is not the record's.`,
  };
}

/** Of the drawn test pictures a danger sign that networks of real signs know, too: what they are shown first. */
const FAMILIAR = 12;

const WORDS: Words = {
  sample: "picture",
  samples: "pictures",
  quality: "CA",
  caption: "Clean accuracy (CA) and attack success rate (ASR)",
  isShare: true,
};
