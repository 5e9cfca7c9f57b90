import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { DatasetDefinition, FoundLayout } from "../../datasets/types.ts";
import { userCache } from "../../files/user-cache.ts";
import { IMAGENET_NORMALIZATION } from "./dataset.ts";
import { ROADS_FRAMES } from "./roads/frames.ts";
import { loadRoads, ROADS_NORMALIZATION } from "./roads.ts";
import { findTusimple } from "./tusimple/layout.ts";
import { loadTusimple, TUSIMPLE_FRAMES } from "./tusimple.ts";

/** Mirrored roads are roads; eight pixels of a reduced network's input are 51 of a picture. */
const AUGMENTATION = { flip: true, cropPadding: 8 };
const cache = () => join(userCache(), "lanes");

const roads: DatasetDefinition = {
  name: "roads",
  title: "Drawn roads with lanes",
  normalization: ROADS_NORMALIZATION,
  augmentation: AUGMENTATION,
  source: "drawn by this program from a fixed seed",
  official: ROADS_FRAMES,
  layouts: [],
  downloads: [],
  otherArchives: [],
  find: () => [],
  holdsPart: () => false,
  async load({ seed }) {
    const { augmentation, source } = this;
    return { ...loadRoads({ seed, cache: cache() }), augmentation, source };
  },
};

const tusimple: DatasetDefinition = {
  name: "tusimple",
  title: "TuSimple, lanes on highways",
  normalization: IMAGENET_NORMALIZATION,
  augmentation: AUGMENTATION,
  source: "TuSimple benchmark, lane detection challenge, 2017; to be brought by hand",
  official: TUSIMPLE_FRAMES,
  layouts: ["train_set/label_data_*.json and test_set/test_label.json, with their clips (docs/lanes.md)"],
  homepage: "https://github.com/TuSimple/tusimple-benchmark",
  downloads: [],
  otherArchives: [],
  find: foundTusimple,
  holdsPart: (folder) => ["train_set", "test_set"].some((part) => existsSync(join(folder, part))),
  async load({ dataDir, seed }) {
    const { augmentation, source } = this;
    return { ...loadTusimple({ dataDir, seed, cache: cache() }), augmentation, source };
  },
};

function foundTusimple(dataDir: string): FoundLayout[] {
  try {
    return [{ layout: "official folders", folder: findTusimple(dataDir).root }];
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
}

export const DATASETS: ReadonlyMap<string, DatasetDefinition> = new Map(
  [roads, tusimple].map((dataset) => [dataset.name, dataset]),
);
