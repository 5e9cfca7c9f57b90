import { cifarDefinition } from "./cifar/definition.ts";

const CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const BATCHES = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`);

/** CIFAR-10: those of the five training batches that are there, any record count. */
export const cifar10 = cifarDefinition({
  name: "cifar10",
  title: "CIFAR-10, 10 classes",
  classes: CLASSES,
  normalization: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  layout: { labels: [{ name: "label", key: "labels", classes: CLASSES.length }], labelAt: 0 },
  needsNames: false,
  binary: {
    folder: "cifar-10-batches-bin",
    train: BATCHES.map((name) => `${name}.bin`),
    test: "test_batch.bin",
    names: "batches.meta.txt",
    recordBytes: 3073,
    archive: {
      url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
      md5: "c32a1d4ab5d03f1284b67883e8d87530",
      bytes: 170_052_171,
    },
  },
  python: {
    folder: "cifar-10-batches-py",
    train: BATCHES,
    test: "test_batch",
    names: "batches.meta",
    namesKey: "label_names",
    // Labels and file names as the published files have them.
    recordBytes: 3103.6,
    archive: { name: "cifar-10-python.tar.gz", md5: "c58f30108f718f92721af3b95e74349a" },
  },
});
