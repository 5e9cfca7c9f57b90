import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { assembleDataset } from "./assemble.ts";
import { missing, readDataFile } from "./files.ts";
import { GTSRB_CLASSES } from "./gtsrb-classes.ts";
import { readAnnotations } from "./gtsrb-csv.ts";
import { parsePpm } from "./ppm.ts";
import { resizePicture } from "./resize.ts";
import { splitByTrack } from "./split.ts";
import { CHANNELS, type DatasetDefinition, type ImageSet } from "./types.ts";

const SIDE = 32;
const OFFICIAL = { train: 39_209, test: 12_630 };

/** Where the training folders may lie: the final release, else the competition's. */
const TRAIN_FOLDERS = ["GTSRB/Final_Training/Images", "GTSRB/Training"];
const TEST_FOLDER = "GTSRB/Final_Test/Images";
/** The test labels come in an archive of their own; people unpack it in one of these places. */
const TEST_LABELS = [
  "GTSRB/Final_Test/GT-final_test.csv",
  "GTSRB/Final_Test/Images/GT-final_test.csv",
  "GTSRB/GT-final_test.csv",
];

const ARCHIVE = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370";

/** German Traffic Sign Recognition Benchmark (Stallkamp et al. 2012), whole pictures resized to 32×32. */
export const gtsrb: DatasetDefinition = {
  name: "gtsrb",
  title: "GTSRB, 43 classes",
  classes: GTSRB_CLASSES,
  normalization: { mean: [0.3337, 0.3064, 0.3171], std: [0.2672, 0.2564, 0.2629] },
  augmentation: { flip: false, cropPadding: 4 },
  source: "J. Stallkamp et al., Man vs. computer: benchmarking machine learning for traffic sign recognition, 2012",
  files: [TRAIN_FOLDERS[0], TEST_FOLDER, TEST_LABELS[0]],
  downloads: [
    {
      url: `${ARCHIVE}/GTSRB_Final_Training_Images.zip`,
      md5: "f33fd80ac59bff73c82d25ab499e03a3",
      archive: "zip",
      into: "",
      places: [TRAIN_FOLDERS[0]],
    },
    {
      url: `${ARCHIVE}/GTSRB_Final_Test_Images.zip`,
      md5: "c7e4e6327067d32654124b0fe9e82185",
      archive: "zip",
      into: "",
      places: [TEST_FOLDER],
    },
    {
      url: `${ARCHIVE}/GTSRB_Final_Test_GT.zip`,
      md5: "fe31e9c9270bbcd7b84b7f21a9d9d9e5",
      archive: "zip",
      into: "GTSRB/Final_Test",
      places: [TEST_LABELS[0]],
    },
  ],
  async load({ dataDir, seed }) {
    const trainFolder = TRAIN_FOLDERS.map((folder) => join(dataDir, folder)).find((path) => existsSync(path));
    if (!trainFolder) throw missing(this.name, join(dataDir, TRAIN_FOLDERS[0]));
    const testFolder = join(dataDir, TEST_FOLDER);
    if (!existsSync(testFolder)) throw missing(this.name, testFolder);
    const testLabels = TEST_LABELS.map((file) => join(dataDir, file)).find((path) => existsSync(path));
    if (!testLabels) throw missing(this.name, join(dataDir, TEST_LABELS[0]));

    const pictures = listTraining(trainFolder);
    const train = readPictures(pictures);
    const test = readPictures(
      readAnnotations(testLabels, GTSRB_CLASSES.length).map(({ file, label }) => ({
        path: join(testFolder, file),
        label,
      })),
    );
    const tracks = pictures.map(({ track }) => track);
    const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
    const split = splitByTrack(train.labels, tracks, seed, this.name);
    return assembleDataset(this, train, test, split, whole ? "official" : "subset");
  },
};

interface LabelledFile {
  path: string;
  label: number;
}

/** The training pictures in the order of the classes' annotation files. */
function listTraining(folder: string): (LabelledFile & { track: number })[] {
  return GTSRB_CLASSES.flatMap((_, label) => {
    const name = String(label).padStart(5, "0");
    const csv = join(folder, name, `GT-${name}.csv`);
    return readAnnotations(csv, GTSRB_CLASSES.length).map((annotation) => {
      if (annotation.label !== label) {
        throw new InputError(
          `${csv}: ${annotation.file} has class ${annotation.label}, the folder holds class ${label}`,
        );
      }
      const match = /^(\d+)_\d+\.ppm$/.exec(annotation.file);
      if (!match) throw new InputError(`${csv}: '${annotation.file}' is not named <track>_<frame>.ppm`);
      return { path: join(folder, name, annotation.file), label, track: Number(match[1]) };
    });
  });
}

function readPictures(files: readonly LabelledFile[]): ImageSet {
  const size = CHANNELS * SIDE * SIDE;
  const set: ImageSet = {
    count: files.length,
    height: SIDE,
    width: SIDE,
    pixels: new Uint8Array(files.length * size),
    labels: Uint8Array.from(files, ({ label }) => label),
  };
  files.forEach(({ path }, i) => {
    resizePicture(parsePpm(readDataFile(path), path), SIDE, set.pixels, i * size);
  });
  return set;
}
