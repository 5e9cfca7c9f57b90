import { onlyPlace } from "../../../datasets/files/locate.ts";
import { splitByTrack } from "../../../datasets/split.ts";
import type { ImageDatasetDefinition } from "../dataset.ts";
import { GTSRB_CLASSES } from "./gtsrb/classes.ts";
import { countGtsrb } from "./gtsrb/count.ts";
import { findGtsrb, GTSRB_LAYOUTS, holdsGtsrbPart, testOf, throwIfPartial, trainingOf } from "./gtsrb/layouts.ts";
import { readPictures } from "./gtsrb/pictures.ts";
import { assembleDataset } from "./splits/assemble.ts";

const OFFICIAL = { train: 39_209, test: 12_630 };

const ARCHIVE = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370";

/** German Traffic Sign Recognition Benchmark (Stallkamp et al. 2012), whole pictures resized to 32×32. */
export const gtsrb: ImageDatasetDefinition = {
  name: "gtsrb",
  title: "GTSRB, 43 classes",
  classes: GTSRB_CLASSES,
  normalization: { mean: [0.3337, 0.3064, 0.3171], std: [0.2672, 0.2564, 0.2629] },
  augmentation: { flip: false, cropPadding: 4 },
  official: OFFICIAL,
  count: countGtsrb,
  source: "J. Stallkamp et al., Man vs. computer: benchmarking machine learning for traffic sign recognition, 2012",
  layouts: GTSRB_LAYOUTS,
  downloads: [
    {
      url: `${ARCHIVE}/GTSRB_Final_Training_Images.zip`,
      md5: "f33fd80ac59bff73c82d25ab499e03a3",
      archive: "zip",
      into: "",
      places: ["GTSRB/Final_Training/Images"],
    },
    {
      url: `${ARCHIVE}/GTSRB_Final_Test_Images.zip`,
      md5: "c7e4e6327067d32654124b0fe9e82185",
      archive: "zip",
      into: "",
      places: ["GTSRB/Final_Test/Images"],
    },
    {
      url: `${ARCHIVE}/GTSRB_Final_Test_GT.zip`,
      md5: "fe31e9c9270bbcd7b84b7f21a9d9d9e5",
      archive: "zip",
      into: "GTSRB/Final_Test",
      places: ["GTSRB/Final_Test/GT-final_test.csv"],
    },
  ],
  otherArchives: [
    // torchvision's training pictures: the competition's.
    {
      name: "GTSRB-Training_fixed.zip",
      md5: "513f3c79a4c5141765e10e952eaa2478",
      archive: "zip",
      into: "",
      places: ["GTSRB/Training"],
    },
  ],
  find: findGtsrb,
  holdsPart: holdsGtsrbPart,
  async load({ dataDir, seed }) {
    const places = findGtsrb(dataDir);
    if (places.length === 0) throwIfPartial(this.name, dataDir);
    const place = onlyPlace(this, dataDir, places);
    const pictures = trainingOf(place, GTSRB_CLASSES.length);
    const train = readPictures(pictures);
    const test = readPictures(testOf(place, GTSRB_CLASSES.length));
    const tracks = pictures.map(({ track }) => track);
    const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
    const split = splitByTrack(train.labels, tracks, seed, this.name);
    return assembleDataset(this, train, test, split, whole ? "official" : "subset");
  },
};
