import type { ImageDatasetDefinition } from "../dataset.ts";
import { cifar10 } from "./cifar10.ts";
import { cifar100 } from "./cifar100.ts";
import { gtsrb } from "./gtsrb.ts";
import { signs } from "./signs.ts";

/** Every data set: its file, one line here. */
export const DATASETS: ReadonlyMap<string, ImageDatasetDefinition> = new Map(
  [signs, cifar10, cifar100, gtsrb].map((definition) => [definition.name, definition]),
);
