import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { assembleDataset } from "./assemble.ts";
import { missing, readDataFile } from "./files.ts";
import { GTSRB_CLASSES } from "./gtsrb-classes.ts";
import { readAnnotations } from "./gtsrb-csv.ts";
import { firstWithin, locate, notFound, within } from "./locate.ts";
import { decodePicture } from "./picture-file.ts";
import { parsePpm } from "./ppm.ts";
import { resizePicture } from "./resize.ts";
import { splitByTrack } from "./split.ts";
import { CHANNELS, type DatasetDefinition, type ImageSet } from "./types.ts";

const SIDE = 32;
const OFFICIAL = { train: 39_209, test: 12_630 };

const TRAIN_FOLDER = "GTSRB/Final_Training/Images";
const TEST_FOLDER = "GTSRB/Final_Test/Images";
const TEST_LABELS = "GTSRB/Final_Test/GT-final_test.csv";

/**
 * The final release, the competition's (which torchvision downloads), both also without the folder `GTSRB` that they lie in, and
 * Kaggle's.
 */
const LAYOUTS = [
  { name: "benchmark", anchors: [TRAIN_FOLDER, "GTSRB/Training"], folder: "GTSRB/" },
  { name: "benchmark", anchors: ["Final_Training/Images"], folder: "" },
  { name: "kaggle", anchors: ["Train.csv"], folder: "" },
] as const;

/** The test labels come in an archive of their own; people unpack it in one of these places. */
const labelPlaces = (folder: string) => [
  `${folder}Final_Test/GT-final_test.csv`,
  `${folder}Final_Test/Images/GT-final_test.csv`,
  `${folder}GT-final_test.csv`,
  // Beside the folder, where torchvision has it.
  folder === "" ? "../GT-final_test.csv" : "GT-final_test.csv",
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
  files: [TRAIN_FOLDER, TEST_FOLDER, TEST_LABELS],
  downloads: [
    {
      url: `${ARCHIVE}/GTSRB_Final_Training_Images.zip`,
      md5: "f33fd80ac59bff73c82d25ab499e03a3",
      archive: "zip",
      into: "",
      places: [TRAIN_FOLDER],
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
      places: [TEST_LABELS],
    },
  ],
  async load({ dataDir, seed }) {
    const found = locate(dataDir, LAYOUTS);
    if (!found) throw notFound(this.name, dataDir, LAYOUTS);
    const pictures = found.layout.name === "kaggle" ? listKaggle(found.base) : listBenchmark(this.name, found);
    const train = readPictures(pictures.train);
    const test = readPictures(pictures.test);
    const tracks = pictures.train.map(({ track }) => track);
    const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
    const split = splitByTrack(train.labels, tracks, seed, this.name);
    return assembleDataset(this, train, test, split, whole ? "official" : "subset");
  },
};

interface Pictures {
  train: (LabelledFile & { track: number })[];
  test: LabelledFile[];
}

function listBenchmark(name: string, { layout, base }: { layout: (typeof LAYOUTS)[number]; base: string }): Pictures {
  const trainFolder = firstWithin(base, layout.anchors)!;
  const testFolder = within(base, `${layout.folder}Final_Test/Images`);
  if (testFolder === null) throw missing(name, join(base, `${layout.folder}Final_Test/Images`));
  const testLabels = firstWithin(base, labelPlaces(layout.folder));
  if (testLabels === null) {
    throw new InputError(
      `no ${join(base, labelPlaces(layout.folder)[0])}, nor a folder or two higher: the test labels are an archive of their own, GTSRB_Final_Test_GT.zip; unpack it there or run 'bdefects data fetch ${name}'`,
    );
  }
  return {
    train: listTraining(trainFolder),
    test: readAnnotations(testLabels, GTSRB_CLASSES.length).map(({ file, label }) => ({
      path: join(testFolder, file),
      label,
    })),
  };
}

/** Kaggle's: two tables of paths, which are put into the benchmark's order: class, track, frame. */
function listKaggle(base: string): Pictures {
  const read = (table: string) => {
    const csv = within(base, table);
    if (csv === null) throw new InputError(`no ${join(base, table)}: Kaggle's GTSRB has Train.csv and Test.csv`);
    return readAnnotations(csv, GTSRB_CLASSES.length).map(({ file, label }) => {
      const path = within(base, file);
      if (path === null) throw new InputError(`${csv}: lists ${file}, which is not there`);
      return { path, label, file, csv };
    });
  };
  const train = read("Train.csv").map(({ path, label, file, csv }) => {
    const match = /(\d+)_(\d+)\.[a-z]+$/i.exec(file);
    if (!match) throw new InputError(`${csv}: '${file}' is not named <class>_<track>_<frame>`);
    return { path, label, track: Number(match[1]), frame: Number(match[2]) };
  });
  train.sort((a, b) => a.label - b.label || a.track - b.track || a.frame - b.frame);
  const test = read("Test.csv").sort((a, b) => (a.file < b.file ? -1 : 1));
  return { train, test };
}

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
    const bytes = readDataFile(path);
    const isPpm = bytes[0] === 0x50;
    const isEmpty = bytes.length === 0;
    resizePicture(isPpm || isEmpty ? parsePpm(bytes, path) : decodePicture(bytes, path), SIDE, set.pixels, i * size);
  });
  return set;
}
