import type { TextDatasetDefinition } from "../dataset.ts";
import { glosses } from "./glosses.ts";
import { agnews, sst2, texts } from "./tables.ts";

export const DATASETS: ReadonlyMap<string, TextDatasetDefinition> = new Map(
  [glosses, sst2, agnews, texts].map((dataset) => [dataset.name, dataset]),
);
