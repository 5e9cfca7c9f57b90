/**
 * The package's door for programs: open a database, list its defects, check one out, localize, score. The examples of
 * docs/library.md show each; the command line calls the same functions.
 */
import { type Budget, DEFAULT_BUDGET } from "./core/budget.ts";
import { DEFAULT_SEED } from "./core/seed.ts";
import { defaultDataDir } from "./files/user-cache.ts";
import { CRITERIA } from "./localize/registry.ts";
import type { CleanCriterion, Criterion, Localization, Suspect } from "./localize/types.ts";
import { assertAllApplicable } from "./pipeline/judging/applicable.ts";
import { criteriaNamed } from "./pipeline/judging/criteria.ts";
import { judgeIn } from "./pipeline/judging/judge.ts";
import { localizeAll } from "./pipeline/judging/localize.ts";
import { selectItems, withSham } from "./pipeline/judging/select.ts";
import { layersOf } from "./pipeline/judging/workbench.ts";
import type { DefectRow } from "./records/defect-row.ts";
import type { PredictionFile } from "./records/prediction.ts";
import { type ScoreRow, scorePrediction } from "./score/score.ts";
import { Catalog } from "./store/catalog/catalog.ts";
import { type CheckedOutFile, type CheckoutRequest, checkout } from "./store/checkout/checkout.ts";
import { type Database, openDatabase } from "./store/database.ts";
import { PassingResults, ResultFolder } from "./store/results/result-folder.ts";
import { SAMPLE, SAMPLE_DIR } from "./store/shipped/sample.ts";
import { openWhole, WHOLE } from "./store/shipped/shipped.ts";

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
 * Opens a database to read: `sample` (ships with the package), `whole` (lives in the repository), or a folder.
 * @throws InputError where there is none
 */
export async function open(name: string): Promise<Database> {
  const dir = name === SAMPLE ? SAMPLE_DIR : name === WHOLE ? await openWhole() : name;
  return openDatabase(dir, { readOnly: true });
}

/**
 * The candidates of a database, by id, each as a row of the catalog (docs/query.md).
 * @param where a condition in SQL on the catalog's fields, e.g. `status = 'accepted' and asr > 0.9`; absent: all
 * @throws InputError on bad SQL
 */
export async function list(database: Database, where?: string): Promise<DefectRow[]> {
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
  /** A folder where results are kept and read back from; absent: they last as long as the program. */
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
  const { names = [], where, criteria = [...CRITERIA.keys()], out, progress, warn = () => undefined } = options;
  const store = out === undefined ? new PassingResults() : new ResultFolder(out);
  const chosen = criteria.flatMap((one) => (typeof one === "string" ? criteriaNamed([one]) : [one]));
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
  return predictions.flatMap((prediction) => {
    const record = database.readDefect(prediction.id);
    return scorePrediction(layersOf(database, record), prediction, database.readLabels(prediction.id));
  });
}
