import { CIFAR100_CLASSES } from "./cifar/cifar100-classes.ts";
import { cifarDefinition } from "./cifar/definition.ts";

/** CIFAR-100, by its 100 fine labels; any record count. */
export const cifar100 = cifarDefinition({
  name: "cifar100",
  title: "CIFAR-100, 100 fine classes",
  classes: CIFAR100_CLASSES,
  normalization: { mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] },
  layout: {
    labels: [
      { name: "coarse label", key: "coarse_labels", classes: 20 },
      { name: "label", key: "fine_labels", classes: CIFAR100_CLASSES.length },
    ],
    labelAt: 1,
  },
  needsNames: true,
  binary: {
    folder: "cifar-100-binary",
    train: ["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    recordBytes: 3074,
    archive: {
      url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
      md5: "03b5dce01913d631647c71ecec9e9cb8",
      bytes: 168_513_733,
    },
  },
  python: {
    folder: "cifar-100-python",
    train: ["train"],
    test: "test",
    names: "meta",
    namesKey: "fine_label_names",
    // Labels and file names as the published files have them.
    recordBytes: 3105,
    archive: { name: "cifar-100-python.tar.gz", md5: "eb9058c3a382ffc7106e4002c42a8d85" },
  },
});
