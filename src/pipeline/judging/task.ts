import type { Budget } from "../../core/budget.ts";
import type { Device } from "../../core/device.ts";
import type { DefectRecord } from "../../records/defect.ts";
import type { JudgedVersion } from "../../records/prediction.ts";
import type { RepairFile } from "../../records/repair.ts";
import type { CellOutcome } from "./cells.ts";

/** What a judging process is told first. */
export interface JudgeOrder {
  dir: string;
  dataDir: string;
  /** A folder for the results in place of the database's own. */
  out?: string;
  /** Where work is claimed. */
  claims: string;
  seed: number;
  budget?: Budget;
  /** Every criterion of any task, by name or as a command. */
  criteria: string[];
  /** Every repair of any task, likewise. */
  methods: string[];
  /** Seconds that a command may take. */
  pluginTimeout?: number;
  /** Threads of one inference. */
  threads: number;
  device: Device;
}

/** What is to be done with one defect: what one process does in one go. Cells that are finished are passed over. */
export interface JudgeTask {
  id: string;
  versions: JudgedVersion[];
  /** Names of criteria of the order. */
  criteria: string[];
  repairs: RepairName[];
}

/** A repair's name, who names its neurons, and of which version: absent, of the infected one. */
export type RepairName = Pick<RepairFile, "method" | "using" | "version">;

/** An outcome with its error as text. */
export type ToldOutcome = Omit<CellOutcome, "error"> & { reason?: string };

export type ToldByWorker = ToldOutcome | { warning: string };

/** Defects with the same key share runners and data. */
export function networkKey({ dataset, arch }: Pick<DefectRecord, "dataset" | "arch">): string {
  return `${dataset} ${arch}`;
}
