import type { ImageDatasetDefinition } from "../dataset.ts";
import { type CifarLayout, readCifarFiles, readNameLines } from "./cifar/binary.ts";
import { readCifarPickles, readPickledNames } from "./cifar/python.ts";
import { type CifarVersion, countCifar, describeVersions, findCifar, loadCifar } from "./cifar/versions.ts";

const CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const LAYOUT: CifarLayout = { labels: [{ name: "label", key: "labels", classes: CLASSES.length }], labelAt: 0 };
const BATCHES = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`);

const VERSIONS: CifarVersion[] = [
  {
    layout: "binary version",
    folder: "cifar-10-batches-bin",
    train: BATCHES.map((name) => `${name}.bin`),
    test: "test_batch.bin",
    names: "batches.meta.txt",
    needsNames: false,
    mayNameSome: false,
    recordBytes: 3073,
    read: readCifarFiles,
    readNames: readNameLines,
  },
  {
    layout: "python version",
    folder: "cifar-10-batches-py",
    train: BATCHES,
    test: "test_batch",
    names: "batches.meta",
    needsNames: false,
    mayNameSome: true,
    // Labels and file names as the published files have them.
    recordBytes: 3103.6,
    read: readCifarPickles,
    readNames: (path) => readPickledNames(path, "label_names"),
  },
];

/** CIFAR-10, binary or python version (A. Krizhevsky 2009): those of the five training batches that are there, any record count. */
export const cifar10: ImageDatasetDefinition = {
  name: "cifar10",
  title: "CIFAR-10, 10 classes",
  classes: CLASSES,
  normalization: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  augmentation: { flip: true, cropPadding: 4 },
  source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
  official: { train: 50_000, test: 10_000 },
  count: (dataDir) => countCifar(VERSIONS, dataDir),
  layouts: describeVersions(VERSIONS),
  downloads: [
    {
      url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
      md5: "c32a1d4ab5d03f1284b67883e8d87530",
      bytes: 170_052_171,
      archive: "tar.gz",
      into: "",
      places: [VERSIONS[0].folder],
    },
  ],
  otherArchives: [
    {
      name: "cifar-10-python.tar.gz",
      md5: "c58f30108f718f92721af3b95e74349a",
      archive: "tar.gz",
      into: "",
      places: [VERSIONS[1].folder],
    },
  ],
  find: (dataDir) => findCifar(VERSIONS, dataDir),
  holdsPart: (folder) => findCifar(VERSIONS, folder).length > 0,
  async load(options) {
    return loadCifar(this, VERSIONS, LAYOUT, options);
  },
};
