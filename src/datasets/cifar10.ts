import { join } from "node:path";
import { assembleDataset } from "./assemble.ts";
import { checkClassNames, readCifarFiles, readCifarRecords } from "./cifar-binary.ts";
import { readCifarPython } from "./cifar-python.ts";
import { missing } from "./files.ts";
import { locate, notFound, within } from "./locate.ts";
import { splitAtRandom } from "./split.ts";
import type { DatasetDefinition } from "./types.ts";

const FOLDER = "cifar-10-batches-bin";
const BATCHES = [1, 2, 3, 4, 5].map((i) => `${FOLDER}/data_batch_${i}.bin`);
const TEST = `${FOLDER}/test_batch.bin`;
const NAMES = `${FOLDER}/batches.meta.txt`;
const PYTHON = "cifar-10-batches-py";
const LAYOUTS = [
  { name: "binary", anchors: BATCHES, test: TEST },
  { name: "python", anchors: [1, 2, 3, 4, 5].map((i) => `${PYTHON}/data_batch_${i}`), test: `${PYTHON}/test_batch` },
] as const;
const OFFICIAL = { train: 50_000, test: 10_000 };

/** CIFAR-10 (A. Krizhevsky 2009), binary or python version: those of the five training batches that are there, any record count. */
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
    const found = locate(dataDir, LAYOUTS);
    if (!found) throw notFound(this.name, dataDir, LAYOUTS);
    const { layout, base } = found;
    const batches = layout.anchors.flatMap((file) => within(base, file) ?? []);
    const testFile = within(base, layout.test);
    if (testFile === null) throw missing(this.name, join(base, layout.test));
    const names = within(base, NAMES);
    if (layout.name === "binary" && names !== null) checkClassNames(names, this.classes);
    const records = { labels: [{ name: "label", classes: this.classes.length }], labelAt: 0 };
    const read = (paths: string[]) =>
      layout.name === "binary"
        ? readCifarFiles(paths, records)
        : readCifarRecords(
            paths.map((path) => readCifarPython(path, ["labels"])),
            records,
          );
    const [train, test] = [read(batches), read([testFile])];
    const whole = train.count === OFFICIAL.train && test.count === OFFICIAL.test;
    const split = splitAtRandom(train.count, seed, this.name);
    return assembleDataset(this, train, test, split, whole ? "official" : "subset");
  },
};
