import type { ImageDatasetDefinition } from "../dataset.ts";
import { type CifarLayout, readCifarFiles, readNameLines } from "./cifar/binary.ts";
import { CIFAR100_CLASSES } from "./cifar/cifar100-classes.ts";
import { readCifarPickles, readPickledNames } from "./cifar/python.ts";
import { type CifarVersion, countCifar, describeVersions, findCifar, loadCifar } from "./cifar/versions.ts";

const LAYOUT: CifarLayout = {
  labels: [
    { name: "coarse label", key: "coarse_labels", classes: 20 },
    { name: "label", key: "fine_labels", classes: CIFAR100_CLASSES.length },
  ],
  labelAt: 1,
};

const VERSIONS: CifarVersion[] = [
  {
    layout: "binary version",
    folder: "cifar-100-binary",
    train: ["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    needsNames: true,
    mayNameSome: false,
    recordBytes: 3074,
    read: readCifarFiles,
    readNames: readNameLines,
  },
  {
    layout: "python version",
    folder: "cifar-100-python",
    train: ["train"],
    test: "test",
    names: "meta",
    needsNames: true,
    mayNameSome: true,
    // Labels and file names as the published files have them.
    recordBytes: 3105,
    read: readCifarPickles,
    readNames: (path) => readPickledNames(path, "fine_label_names"),
  },
];

/** CIFAR-100, binary or python version (A. Krizhevsky 2009), by its 100 fine labels; any record count. */
export const cifar100: ImageDatasetDefinition = {
  name: "cifar100",
  title: "CIFAR-100, 100 fine classes",
  classes: CIFAR100_CLASSES,
  normalization: { mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] },
  augmentation: { flip: true, cropPadding: 4 },
  source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
  official: { train: 50_000, test: 10_000 },
  count: (dataDir) => countCifar(VERSIONS, dataDir),
  layouts: describeVersions(VERSIONS),
  downloads: [
    {
      url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
      md5: "03b5dce01913d631647c71ecec9e9cb8",
      bytes: 168_513_733,
      archive: "tar.gz",
      into: "",
      places: [VERSIONS[0].folder],
    },
  ],
  otherArchives: [
    {
      name: "cifar-100-python.tar.gz",
      md5: "eb9058c3a382ffc7106e4002c42a8d85",
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
