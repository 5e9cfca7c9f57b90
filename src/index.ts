/**
 * The package's door for programs: open a database, list its defects, check one out, localize, score. The examples of
 * docs/library.md show each; the command line calls the same functions.
 */
import { BUDGETS, type Budget, DEFAULT_BUDGET } from "./core/budget.ts";
import { InputError } from "./core/errors.ts";
import { VERSIONS } from "./core/ids.ts";
import { DEFAULT_SEED } from "./core/seed.ts";
import { defaultDataDir } from "./files/user-cache.ts";
import { CRITERIA } from "./localize/registry.ts";
import type { CleanCriterion, Criterion, Localization, Suspect } from "./localize/types.ts";
import { assertAllApplicable } from "./pipeline/judging/applicable.ts";
import { judgeIn } from "./pipeline/judging/judge.ts";
import { localizeAll } from "./pipeline/judging/localize.ts";
import { criteriaOf } from "./pipeline/judging/own-criteria.ts";
import { selectItems, withSham } from "./pipeline/judging/select.ts";
import { layersOf } from "./pipeline/judging/workbench.ts";
import type { DefectRow } from "./records/defect-row.ts";
import { type PredictionFile, predictionSchema } from "./records/prediction.ts";
import { type ScoreRow, scorePrediction } from "./score/score.ts";
import { Catalog } from "./store/catalog/catalog.ts";
import { type CheckedOutFile, type CheckoutRequest, checkout } from "./store/checkout/checkout.ts";
import { Database, openDatabase } from "./store/database.ts";
import { isWithin } from "./store/disk/within.ts";
import { PassingResults, ResultFolder } from "./store/results/result-folder.ts";
import { SAMPLE, SAMPLE_DIR } from "./store/shipped/sample.ts";
import { ARCHIVED_NAMES, isArchived, openArchived } from "./store/shipped/shipped.ts";

export { CheckFailed, InputError } from "./core/errors.ts";
export type { CleanRecord } from "./records/clean.ts";
export type { DefectRecord } from "./records/defect.ts";
export type { DefectLabels } from "./records/labels.ts";
export type {
  Budget,
  CheckedOutFile,
  CheckoutRequest,
  CleanCriterion,
  Criterion,
  Database,
  DefectRow,
  Localization,
  PredictionFile as Prediction,
  ScoreRow,
  Suspect,
};

/**
 * Opens a database to read: `sample` (ships with the package), `whole`, `lanes` or `text` (live in the repository), or a folder.
 * @throws InputError where there is none
 */
export async function open(name: string): Promise<Database> {
  if (typeof name !== "string" || name === "")
    throw new InputError(`open: name ${[SAMPLE, ...ARCHIVED_NAMES].map((own) => `'${own}'`).join(", ")} or a folder`);
  const dir = name === SAMPLE ? SAMPLE_DIR : isArchived(name) ? await openArchived(name) : name;
  return openDatabase(dir, { readOnly: true });
}

/**
 * The candidates of a database, by id, each as a row of the catalog (docs/query.md).
 * @param where a condition in SQL on the catalog's fields, e.g. `status = 'accepted' and asr > 0.9`; absent: all
 * @throws InputError on bad SQL
 */
export async function list(database: Database, where?: string): Promise<DefectRow[]> {
  assertDatabase(database);
  if (where !== undefined && typeof where !== "string") throw new InputError("where: a condition in SQL, as text");
  return new Catalog(database).list(where);
}

/**
 * Writes a defect as a folder that explains itself and loads into PyTorch and ONNX Runtime (docs/checkout.md).
 * @param dir new or empty. @returns the files
 * @throws InputError where the folder holds something, or there is no such defect or version
 */
export async function checkOut(
  database: Database,
  id: string,
  dir: string,
  { version = "infected", sham = false }: Partial<Pick<CheckoutRequest, "version" | "sham">> = {},
): Promise<CheckedOutFile[]> {
  assertDatabase(database);
  if (typeof dir !== "string" || dir === "") throw new InputError("checkOut: name a new folder");
  assertOneOf("version", version, VERSIONS);
  return checkout(database, { id, dir, version, sham });
}

/** What is localized, by whom, and where results are kept. */
export interface LocalizeOptions {
  /** Ids and groups, each with an optional `:infected`, `:clean`, `:sham` or `:drift`; absent: every accepted defect. */
  names?: readonly string[];
  /** A condition in SQL on the catalog's fields in place of names. */
  where?: string;
  /** Names of criteria (docs/catalogue.md), commands (`NAME=cmd:COMMAND`), or criteria of your own; absent: all of ours. */
  criteria?: readonly (string | Criterion)[];
  /** The folder of the data sets; not read where all criteria read weights alone. */
  data?: string;
  /**
   * A folder where results are kept and read back from; absent: they last as long as the program. A result of a criterion of
   * your own is read back while the text of its function and its `revision` are the same.
   */
  out?: string;
  seed?: number;
  budget?: Budget;
  /** Told which cell is run, and how many of all are finished. */
  progress?(done: number, total: number, what: string): void;
  /** Told where a result must be read with care. */
  warn?(message: string): void;
}

/**
 * Runs criteria over defects and their shams, blind as in a study, and never writes into the database.
 * @returns one prediction per version and criterion
 * @throws InputError on an unknown name, and on a named criterion that needs what a network lacks
 */
export async function localize(database: Database, options: LocalizeOptions = {}): Promise<PredictionFile[]> {
  assertDatabase(database);
  assertOptions(options);
  const { names = [], where, criteria = [...CRITERIA.keys()], out, progress, warn = () => undefined } = options;
  if (out !== undefined && isWithin(out, database.dir)) {
    throw new InputError(`out: ${out} lies in the database; name a folder of your own`);
  }
  const store = out === undefined ? new PassingResults() : new ResultFolder(out);
  const chosen = criteriaOf(criteria);
  const items = await selectItems(new Catalog(database), { names: [...names], where }, withSham(database, warn), {
    foreign: true,
  });
  assertAllApplicable(database, items, options.criteria === undefined ? [] : chosen);
  const { data = defaultDataDir(), seed = DEFAULT_SEED, budget = DEFAULT_BUDGET } = options;
  return judgeIn(database, store, { data, seed, budget, warn }, (bench, results) =>
    localizeAll(bench, results, items, chosen, progress),
  );
}

/**
 * Holds predictions against the labels: a row per truth and protocol (docs/query.md, "Tables").
 * @throws InputError where a defect has no labels
 */
export function score(database: Database, predictions: readonly PredictionFile[]): ScoreRow[] {
  assertDatabase(database);
  return predictions.flatMap((prediction) => {
    const read = predictionSchema.safeParse(prediction);
    if (!read.success) {
      const [{ path, message }] = read.error.issues;
      throw new InputError(`prediction: ${path.join(".") || "it"}: ${message.split("\n")[0]}`);
    }
    const record = database.readDefect(prediction.id);
    return scorePrediction(layersOf(database, record), prediction, database.readLabels(prediction.id));
  });
}

const LOCALIZE_OPTIONS = ["names", "where", "criteria", "data", "out", "seed", "budget", "progress", "warn"];

/** @throws InputError where an option has another name, or a value that it cannot have */
function assertOptions(options: LocalizeOptions): void {
  const unknown = Object.keys(options).find((key) => !LOCALIZE_OPTIONS.includes(key));
  if (unknown !== undefined) {
    throw new InputError(`localize: no option is called '${unknown}'; valid: ${LOCALIZE_OPTIONS.join(", ")}`);
  }
  const { names, budget, seed } = options;
  if (names !== undefined && (!Array.isArray(names) || names.length === 0)) {
    throw new InputError("names: a list of ids and groups, not empty; left out, every accepted defect is judged");
  }
  if (budget !== undefined) assertOneOf("budget", budget, BUDGETS);
  if (seed !== undefined && (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31)) {
    throw new InputError("seed: a whole number from 0 to 2147483647");
  }
}

function assertOneOf(what: string, value: unknown, valid: readonly unknown[]): void {
  if (!valid.includes(value)) throw new InputError(`${what} '${value}': valid are ${valid.join(", ")}`);
}

function assertDatabase(database: Database): void {
  if (!(database instanceof Database)) throw new InputError("database: give what 'open' returned");
}
