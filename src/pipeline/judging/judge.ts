import { readdirSync, statSync } from "node:fs";
import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { InputError, lookup } from "../../core/errors.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { withPath } from "../../store/disk/fs.ts";
import { foreignNetwork } from "../../store/foreign/layers.ts";
import { loadForeign } from "../../store/foreign/model.ts";
import { readForeign } from "../../store/foreign/records.ts";
import { PassingResults, ResultFolder, type ResultStore } from "../../store/results/result-folder.ts";
import { Results } from "../../store/results/results.ts";
import { archivesDir, isArchived, shippedName } from "../../store/shipped/shipped.ts";
import { DATASETS } from "../../tasks/registry.ts";
import { unjudged } from "./subject.ts";
import { type ForeignSource, Workbench } from "./workbench.ts";

/** Threads of one inference where nothing else is said. No result depends on them; training has a number of its own. */
const THREADS = 2;

export interface JudgeOptions {
  /** The database's folder. */
  db: string;
  /** The folder of the data sets. */
  data: string;
  /** Seeds the defender's halves, the criteria and the drift control. */
  seed: number;
  /** What criteria may spend on one model. */
  budget?: Budget;
  /** Threads of one inference: as many as the machine has left where several judge at once. */
  threads?: number;
  /** A folder for the results in place of the database's own. */
  out?: string;
  /** Whether repaired weights are kept beside the results. */
  keep?: boolean;
  /** Told where a result must be read with care. */
  warn?(message: string): void;
}

/** A database opened for judging. */
export interface Judging {
  database: Database;
  results: Results;
  bench: Workbench;
}

/** Opens a database, judges in it, and closes what was opened. Data sets and sessions are opened when first needed. */
export async function withJudging<T>(options: JudgeOptions, work: (judging: Judging) => Promise<T>): Promise<T> {
  // Where results go elsewhere nothing is written here: the folder may belong to somebody else.
  const database = await openDatabase(options.db, { readOnly: options.out !== undefined });
  const store = resultStore(database, options.out);
  return judgeIn(database, store, options, (bench, results) => work({ database, results, bench }));
}

/** Judges in an open database, and closes what was opened for it. @param store where results are read and written */
export async function judgeIn<T>(
  database: Database,
  store: ResultStore,
  options: Omit<JudgeOptions, "db" | "out">,
  work: (bench: Workbench, results: Results) => Promise<T>,
): Promise<T> {
  const budget = options.budget ?? DEFAULT_BUDGET;
  const bench = new Workbench({
    source: database,
    foreign: foreignSource(database),
    seed: options.seed,
    budget,
    // The split is the build's, so that no training image is taken for a defender's.
    loadDataset: (name) =>
      lookup(DATASETS, "data set", name).load({ dataDir: options.data, seed: database.manifest.seed }),
    // Whoever holds only a shipped database has the official files, not the subset that it was built from.
    otherData: database.sealed ? options.warn : undefined,
    createRunner: (task, network, normalization) =>
      createRunner(task, network, normalization, { threads: options.threads ?? THREADS }),
  });
  try {
    return await work(bench, new Results(store, budget, options.keep));
  } finally {
    await bench.release();
  }
}

function foreignSource(database: Database): ForeignSource {
  return {
    read: (id) => readForeign(database, id),
    load: (record) => loadForeign(database, record),
    network: (record) => {
      const network = foreignNetwork(record);
      if (network) return network;
      throw unjudged(record.id);
    },
  };
}

/** Folders that no plug-in may see: the database, the archives that it was unpacked from, and results elsewhere. */
export function unseenFolders({ db, out }: Pick<JudgeOptions, "db" | "out">): string[] {
  const shipped = shippedName(db);
  const archives = shipped !== null && isArchived(shipped) ? [archivesDir(shipped)] : [];
  return [db, ...archives, ...(out === undefined ? [] : [out])];
}

/** Where results are read from: as `resultStore`. @throws InputError where the named folder is none */
export function storedResults(database: Database, folder: string | undefined): ResultStore {
  return folder === undefined || folder === "" ? resultStore(database, folder) : storedResultFolder(folder);
}

/** Results in a folder of the user's own. @throws InputError where it is none */
export function storedResultFolder(folder: string): ResultStore {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError(`--results ${folder}: no such folder; 'localize' and 'repair' make one with --out`);
  }
  const there = withPath(folder, () => readdirSync(folder));
  if (there.length > 0 && !["localize", "repair"].some((kind) => there.includes(kind))) {
    throw new InputError(
      `--results ${folder}: holds other files and no results, which lie in its folders localize and repair; name the folder that 'localize' and 'repair' got with --out`,
    );
  }
  return new ResultFolder(folder);
}

/** Where results go: a folder that was named, the database, or nowhere where that cannot be written. */
export function resultStore(database: Database, folder: string | undefined): ResultStore {
  if (folder === "") throw new InputError("the results' folder (--out, --results) is empty: name one");
  if (folder !== undefined) return new ResultFolder(folder);
  return database.sealed ? new PassingResults() : database;
}
