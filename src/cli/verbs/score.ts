import type { Command } from "commander";
import { CheckFailed, InputError } from "../../core/errors.ts";
import type { CellOutcome } from "../../pipeline/judging/cells.ts";
import type { RepairFile } from "../../records/repair.ts";
import type { ScoreRow } from "../../score/score.ts";
import type { Database } from "../../store/database.ts";
import type { Results } from "../../store/results/results.ts";
import { commaList } from "../arguments.ts";
import { failureLine } from "../cell-progress.ts";
import type { Listing } from "../listing.ts";
import {
  dbOption,
  fieldsOption,
  formatOption,
  longOption,
  resultsOption,
  type SharedOptions,
  storedBudgetOption,
} from "../options.ts";
import { emitRows, warn } from "../output.ts";
import { repairListing, SCORE_LISTING } from "../result-listings.ts";

type Options = Pick<SharedOptions, "db" | "format" | "fields" | "long"> & {
  budget?: SharedOptions["budget"];
  criterion?: string[];
  where?: string;
  summary?: boolean;
  extended?: boolean;
  repairs?: boolean;
  results?: string;
  answers?: string;
  key?: string;
};

/** Joins stored predictions with the labels, or lists stored repairs. */
export function registerScore(program: Command): void {
  program
    .command("score")
    .description("hold the stored predictions against the labels")
    .argument("[selection...]", "ids and groups, each with an optional :infected, :clean, :sham or :drift")
    .option(
      "--criterion <names>",
      "criteria, separated by commas (default: all that were run)",
      commaList("--criterion"),
    )
    .option("--where <sql>", "a condition on the catalog's fields")
    .option(
      "--summary",
      "criteria ranked by the paired difference infected - sham; with --extended the means of every metric",
    )
    .option("--extended", "further metrics too: F1, top-n, recall@n, precision@|G|, mean EXAM, AUROC and AP by layer")
    .option("--repairs", "what repairs gained and cost instead")
    .option("--answers <dir>", "hold the answers to a blind hand-out against the labels instead")
    .option("--key <file>", "for --answers: the key of the hand-out")
    .addOption(resultsOption())
    .addOption(storedBudgetOption())
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], options: Options) => {
      if (options.answers !== undefined || options.key !== undefined) return answers(names, options);
      const { openDatabase } = await import("../../store/database.ts");
      const { VERSIONS } = await import("../../core/ids.ts");
      const { JUDGED_VERSIONS } = await import("../../records/prediction.ts");
      const { Results: OfBudget, storedBudgets } = await import("../../store/results/results.ts");
      const { selectItems } = await import("../../pipeline/judging/select.ts");
      const { isForeignName } = await import("../../records/foreign.ts");
      const { readForeign } = await import("../../store/foreign/records.ts");
      const { Catalog } = await import("../../store/catalog/catalog.ts");
      if (options.summary && options.repairs) throw new InputError("give --summary or --repairs, not both");
      if (options.extended && options.repairs) throw new InputError("--extended is about scores: leave out --repairs");
      const database = await openDatabase(options.db, { readOnly: true, onDamage: warn });
      const { storedResults } = await import("../../pipeline/judging/judge.ts");
      const store = storedResults(database, options.results);
      const budgets = options.budget === undefined ? storedBudgets(store) : [options.budget];
      const all = budgets.map((budget) => new OfBudget(store, budget));
      const versions = options.repairs ? VERSIONS : JUDGED_VERSIONS;
      const items = await selectItems(new Catalog(database), { names, where: options.where }, versions, {
        foreign: true,
      });
      const foreign = items.filter(({ id }) => isForeignName(id));
      if (foreign.length > 0 && options.summary) {
        throw new InputError(
          `--summary: compares infected with sham, and '${foreign[0].id}' has no sham; leave it out`,
        );
      }
      for (const { id } of options.repairs ? [] : foreign) {
        if (readForeign(database, id).infected === null) warn(`'${id}' came without truth: it is not scored`);
      }
      if (options.repairs) {
        const { repairRow } = await import("../../pipeline/judging/repair.ts");
        const { repairedVersion } = await import("../../records/repair.ts");
        const { notRepaired } = await import("../../pipeline/judging/repaired-item.ts");
        const drift = items.find(({ version }) => version === "drift");
        if (drift) throw notRepaired(drift.id);
        const wanted = new Set(items.map(({ id, version }) => `${id}:${version}`));
        const isWanted = (repair: RepairFile) => wanted.has(`${repair.id}:${repairedVersion(repair)}`);
        const rows = all.flatMap((results) => results.repairs()).filter(isWanted);
        const listed = rows.map(repairRow);
        return finish(listed, options, "repair", repairListing(listed));
      }
      const { scoreAll, scoreAllExtended } = await import("../../pipeline/judging/score.ts");
      const { SCORE_METRIC_KEYS } = await import("../../records/metrics.ts");
      const { summarize } = await import("../../score/summary.ts");
      const { storedCriteria } = await import("../../pipeline/judging/criteria.ts");
      const stored = [...new Set(all.flatMap((results) => results.criteria()))];
      const criteria = storedCriteria(options.criterion, stored);
      const over = async <R>(score: (results: Results) => Promise<R[]>): Promise<R[]> =>
        (await Promise.all(all.map(score))).flat();
      if (options.extended) {
        const { EXTENDED_METRICS } = await import("../../score/extended.ts");
        const scores = await over((results) => scoreAllExtended(database, results, items, criteria));
        const metrics = [...SCORE_METRIC_KEYS, ...EXTENDED_METRICS];
        return finish(options.summary ? summarize(scores, metrics) : scores, options, "localize");
      }
      const scores = await over((results) => scoreAll(database, results, items, criteria));
      if (!options.summary) return finish(scores, options, "localize");
      const ids = items.map(({ id }) => id);
      await emitSummary(database, ids, scores, options);
    });
}

/** The answers to a blind hand-out, by its key. */
async function answers(names: string[], options: Options): Promise<void> {
  const { answers: dir, key: path, criterion, where, summary } = options;
  if (dir === undefined) throw new InputError("--key: belongs to --answers DIR");
  if (path === undefined) throw new InputError("--answers: name the key that 'export --blind' wrote with --key FILE");
  if (names.length > 0 || where !== undefined || options.repairs || options.results !== undefined) {
    throw new InputError("--answers: the key names the models; leave out selection, --where, --repairs and --results");
  }
  if (criterion && criterion.length !== 1) throw new InputError("--answers: name one method with --criterion NAME");
  const { openDatabase } = await import("../../store/database.ts");
  const { readKey } = await import("../../pipeline/handout/key.ts");
  const { scoreAnswers } = await import("../../pipeline/handout/score.ts");
  const { outsideName } = await import("../../pipeline/judging/outside-scores.ts");
  const { EXTENDED_METRICS, scorePredictionExtended } = await import("../../score/extended.ts");
  const { scorePrediction } = await import("../../score/score.ts");
  const { SCORE_METRIC_KEYS } = await import("../../records/metrics.ts");
  const { summarize } = await import("../../score/summary.ts");
  const name = outsideName(criterion?.[0] ?? "answers");
  const key = readKey(path);
  const database = await openDatabase(options.db, { readOnly: true });
  const failures: CellOutcome[] = [];
  const note = (outcome: CellOutcome) => outcome.status === "failed" && failures.push(outcome);
  if (options.extended) {
    const scores = await scoreAnswers(database, key, dir, name, scorePredictionExtended, note);
    finish(summary ? summarize(scores, [...SCORE_METRIC_KEYS, ...EXTENDED_METRICS]) : scores, options, "localize");
  } else {
    const scores = await scoreAnswers(database, key, dir, name, scorePrediction, note);
    const ids = key.models.map(({ id }) => id);
    if (summary) await emitSummary(database, ids, scores, options);
    else finish(scores, options, "localize");
  }
  if (failures.length === 0) return;
  process.stderr.write(failures.map(failureLine).join(""));
  throw new CheckFailed(
    `${failures.length} of ${key.models.length} answers are missing or wrong; the others are scored`,
  );
}

async function emitSummary(
  database: Database,
  ids: readonly string[],
  scores: ScoreRow[],
  options: Options,
): Promise<void> {
  const { rankCriteria, rankingRow } = await import("../../report/ranking.ts");
  const accepted = [...new Set(ids)].map((id) => database.readDefect(id));
  const ranking = rankCriteria({ scores, accepted, seed: database.manifest.seed }).map(rankingRow);
  if (ranking.length === 0) nothingToShow("localize", options);
  const { emitRanking } = await import("../ranking-text.ts");
  emitRanking(ranking, options);
}

/** Of a blind hand-out, what is missing is listed anyway. */
function nothingToShow(verb: string, { answers, results }: Options): void {
  if (answers !== undefined) return;
  const named = results === undefined ? ", or name the results' folder with --results" : "";
  process.stderr.write(`nothing to show: run 'bdefects ${verb}' on the selection first${named}\n`);
}

function finish(
  rows: object[],
  options: Options,
  verb: string,
  listing: Listing = options.summary ? {} : SCORE_LISTING,
): void {
  if (rows.length === 0) nothingToShow(verb, options);
  emitRows(
    rows.map((row) => ({ ...row })),
    options,
    listing,
  );
}
