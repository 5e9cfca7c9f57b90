import type { SplitCounts } from "../../datasets/types.ts";
import { DATASETS } from "../../tasks/registry.ts";

/** How many images a data set has, told without reading them: for estimates, where loading would take too long. */
export interface DatasetSize extends SplitCounts {
  /** Whether the files were looked at; else these are the official numbers. */
  counted: boolean;
}

/**
 * @param dataDir where files are looked for; the official numbers without it
 * @returns null where there is no such data set
 */
export function datasetSize(name: string, dataDir?: string): DatasetSize | null {
  const definition = DATASETS.get(name);
  if (!definition) return null;
  const { official, count } = definition;
  const counted = dataDir === undefined ? undefined : count?.(dataDir);
  if (counted && counted.train > 0 && counted.test > 0) return { ...counted, counted: true };
  return { ...official, counted: !count };
}
