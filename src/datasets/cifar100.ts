import { join } from "node:path";
import { assembleDataset } from "./assemble.ts";
import { checkClassNames, readCifarFiles, readCifarRecords } from "./cifar-binary.ts";
import { readCifarPython } from "./cifar-python.ts";
import { CIFAR100_CLASSES } from "./cifar100-classes.ts";
import { missing } from "./files.ts";
import { locate, notFound, within } from "./locate.ts";
import { splitAtRandom } from "./split.ts";
import type { DatasetDefinition } from "./types.ts";

const FOLDER = "cifar-100-binary";
const TRAIN = `${FOLDER}/train.bin`;
const TEST = `${FOLDER}/test.bin`;
const NAMES = `${FOLDER}/fine_label_names.txt`;
const LAYOUTS = [
  { name: "binary", anchors: [TRAIN], test: TEST },
  { name: "python", anchors: ["cifar-100-python/train"], test: "cifar-100-python/test" },
] as const;
const OFFICIAL = { train: 50_000, test: 10_000 };
const SUPERCLASSES = 20;

/** CIFAR-100 (A. Krizhevsky 2009), binary or python version, by its 100 fine labels; any record count. */
export const cifar100: DatasetDefinition = {
  name: "cifar100",
  title: "CIFAR-100, 100 fine classes",
  classes: CIFAR100_CLASSES,
  normalization: { mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] },
  augmentation: { flip: true, cropPadding: 4 },
  source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
  files: [TRAIN, TEST],
  downloads: [
    {
      url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
      md5: "03b5dce01913d631647c71ecec9e9cb8",
      bytes: 168_513_733,
      archive: "tar.gz",
      into: "",
      places: [FOLDER],
    },
  ],
  async load({ dataDir, seed }) {
    const found = locate(dataDir, LAYOUTS);
    if (!found) throw notFound(this.name, dataDir, LAYOUTS);
    const { layout, base } = found;
    const files = [layout.anchors[0], layout.test].map((file) => {
      const path = within(base, file);
      if (path === null) throw missing(this.name, join(base, file));
      return path;
    });
    const names = within(base, NAMES);
    if (layout.name === "binary" && names !== null) checkClassNames(names, this.classes);
    const records = {
      labels: [
        { name: "coarse label", classes: SUPERCLASSES },
        { name: "label", classes: this.classes.length },
      ],
      labelAt: 1,
    };
    const [train, test] = files.map((path) =>
      layout.name === "binary"
        ? readCifarFiles([path], records)
        : readCifarRecords([readCifarPython(path, ["coarse_labels", "fine_labels"])], records),
    );
    const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
    const split = splitAtRandom(train.count, seed, this.name);
    return assembleDataset(this, train, test, split, whole ? "official" : "subset");
  },
};
