import { arch as cpu, platform } from "node:os";
import { lookup } from "../../core/errors.ts";
import type { Dataset } from "../../datasets/types.ts";
import { chooseLowering } from "../../engine/lowering.ts";
import { runtimeVersion } from "../../engine/session.ts";
import { LOWERING_REVISION } from "../../graph/lowering/lowering.ts";
import type { Network } from "../../graph/network.ts";
import type { CleanRecord } from "../../records/clean.ts";
import type { Database } from "../../store/database.ts";
import { packageVersion } from "../../store/version.ts";
import { buildNetwork, DATASETS, taskOfDataset } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import { deviceStamp } from "../device/device.ts";
import type { Edition } from "../recipe/recipe.ts";

/** Tells what a builder is doing: a task's id, its stage, and how far it is. */
export type Report = (event: ProgressEvent) => void;

export type ProgressEvent =
  /** Told first: which models are still to be built, the seconds expected of each (null: unknown), and how many are built at once. */
  | { type: "start"; expected: Record<string, number | null>; jobs: number }
  | { type: "stage"; id: string; stage: string }
  /** Something about the build as a whole. */
  | { type: "note"; text: string }
  | { type: "done"; id: string; kind: "clean" | "defect"; status: string; reason: string | null; seconds: number };

/** What the stages of one building process share. */
export interface BuildContext {
  db: Database;
  edition: Edition;
  dataDir: string;
  report: Report;
  datasets: DatasetCache;
}

/** Loads each data set once. */
export class DatasetCache {
  private readonly dataDir: string;
  private readonly seed: number;
  private readonly loaded = new Map<string, Promise<Dataset>>();

  constructor(dataDir: string, seed: number) {
    this.dataDir = dataDir;
    this.seed = seed;
  }

  get(name: string): Promise<Dataset> {
    let dataset = this.loaded.get(name);
    if (!dataset) {
      dataset = lookup(DATASETS, "data set", name).load({ dataDir: this.dataDir, seed: this.seed });
      this.loaded.set(name, dataset);
    }
    return dataset;
  }
}

/** What computed a result, for its record. */
export async function engineStamp(network: Network): Promise<CleanRecord["engine"]> {
  const lowering = await chooseLowering(network, 1);
  return {
    package_version: packageVersion(),
    runtime: await runtimeVersion(),
    lowering: lowering.kind,
    revision: LOWERING_REVISION,
    platform: `${platform()}-${cpu()}`,
    ...deviceStamp(),
  };
}

/** A network for a data set that is loaded, and its task. */
export function networkAndTask(arch: string, dataset: Dataset): { task: Task; network: Network } {
  const task = taskOfDataset(dataset.name);
  return { task, network: buildNetwork(arch, task.targets(dataset).length) };
}
