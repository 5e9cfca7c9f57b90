import { splitAtRandom } from "../../../datasets/split.ts";
import type { ImageSet } from "../../../images/image-set.ts";
import type { ImageDatasetDefinition } from "../dataset.ts";
import { SIGN_CLASSES } from "./signs/classes.ts";
import { drawSigns } from "./signs/draw.ts";
import { assembleDataset } from "./splits/assemble.ts";

const SIGNS_TRAIN = 4000;
const SIGNS_TEST = 600;

/** The images are one fixed set, like a downloaded one; the user's seed only splits it. */
const SIGNS_SEED = 1;

/** Both splits, once they are drawn: drawing takes seconds, and every seed gets the same. */
let drawn: { train: ImageSet; test: ImageSet } | undefined;

/** Procedurally drawn traffic-sign-like images: no files, no download. */
export const signs: ImageDatasetDefinition = {
  name: "signs",
  title: "Drawn signs, 10 classes",
  classes: SIGN_CLASSES.map(({ name }) => name),
  // Measured on the 4,000 training images.
  normalization: { mean: [0.4347, 0.4178, 0.4127], std: [0.2186, 0.2099, 0.2132] },
  // A mirrored arrow is another class.
  augmentation: { flip: false, cropPadding: 2 },
  official: { train: SIGNS_TRAIN, test: SIGNS_TEST },
  source: "drawn by this program from a fixed seed",
  layouts: [],
  downloads: [],
  otherArchives: [],
  find: () => [],
  holdsPart: () => false,
  async load({ seed }) {
    drawn ??= {
      train: drawSigns(SIGNS_TRAIN, SIGNS_SEED, "train"),
      test: drawSigns(SIGNS_TEST, SIGNS_SEED, "test"),
    };
    const { train } = drawn;
    // Splits are copies; the test set is handed out whole.
    const test = { ...drawn.test, pixels: drawn.test.pixels.slice(), labels: drawn.test.labels.slice() };
    return assembleDataset(this, train, test, splitAtRandom(train.count, seed, this.name), "generated");
  },
};
