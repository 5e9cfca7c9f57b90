import { lookup } from "../core/errors.ts";
import { DATASETS } from "../datasets/registry.ts";
import { createRunner } from "../measure/ort-runner.ts";
import { type Database, openDatabase } from "../store/database.ts";
import { Results } from "../store/results.ts";
import { Workbench } from "./workbench.ts";

/** Threads of one inference: part of what a result depends on, so the same everywhere. */
const THREADS = 2;

export interface JudgeOptions {
  /** The database's folder. */
  db: string;
  /** The folder of the data sets. */
  data: string;
  /** Seeds the defender's halves, the criteria and the drift control. */
  seed: number;
}

/** A database opened for judging. */
export interface Judging {
  database: Database;
  results: Results;
  bench: Workbench;
}

/** Opens a database, judges in it, and closes what was opened. Data sets and sessions are opened when first needed. */
export async function withJudging<T>(options: JudgeOptions, work: (judging: Judging) => Promise<T>): Promise<T> {
  const database = await openDatabase(options.db);
  const bench = new Workbench({
    source: database,
    seed: options.seed,
    // The split is the build's, so that no training image is taken for a defender's.
    loadDataset: (name) =>
      lookup(DATASETS, "data set", name).load({ dataDir: options.data, seed: database.manifest.seed }),
    createRunner: (network, normalization) => createRunner(network, normalization, { threads: THREADS }),
  });
  try {
    return await work({ database, results: new Results(database), bench });
  } finally {
    await bench.release();
  }
}
