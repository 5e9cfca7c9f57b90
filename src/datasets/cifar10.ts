import { existsSync } from "node:fs";
import { join } from "node:path";
import { assembleDataset } from "./assemble.ts";
import { checkClassNames, readCifarFiles } from "./cifar-binary.ts";
import { missing, requireFiles } from "./files.ts";
import { splitAtRandom } from "./split.ts";
import type { DatasetDefinition } from "./types.ts";

const FOLDER = "cifar-10-batches-bin";
const BATCHES = [1, 2, 3, 4, 5].map((i) => `${FOLDER}/data_batch_${i}.bin`);
const TEST = `${FOLDER}/test_batch.bin`;
const NAMES = `${FOLDER}/batches.meta.txt`;
const OFFICIAL = { train: 50_000, test: 10_000 };

/** CIFAR-10, binary version (A. Krizhevsky 2009): those of the five training batches that are there, any record count. */
export const cifar10: DatasetDefinition = {
  name: "cifar10",
  title: "CIFAR-10, 10 classes",
  classes: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
  normalization: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  augmentation: { flip: true, cropPadding: 4 },
  source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
  files: [TEST],
  downloads: [
    {
      url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
      md5: "c32a1d4ab5d03f1284b67883e8d87530",
      bytes: 170_052_171,
      archive: "tar.gz",
      into: "",
      places: [FOLDER],
    },
  ],
  async load({ dataDir, seed }) {
    const batches = BATCHES.map((file) => join(dataDir, file)).filter((path) => existsSync(path));
    if (batches.length === 0) throw missing(this.name, join(dataDir, BATCHES[0]));
    requireFiles(this, dataDir);
    const names = join(dataDir, NAMES);
    if (existsSync(names)) checkClassNames(names, this.classes);
    const layout = { labels: [{ name: "label", classes: this.classes.length }], labelAt: 0 };
    const train = readCifarFiles(batches, layout);
    const test = readCifarFiles([join(dataDir, TEST)], layout);
    const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
    const split = splitAtRandom(train.count, seed, this.name);
    return assembleDataset(this, train, test, split, whole ? "official" : "subset");
  },
};
