import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import { commaList } from "../arguments.ts";
import {
  budgetOption,
  dbOption,
  fieldsOption,
  formatOption,
  longOption,
  resultsOption,
  type SharedOptions,
} from "../options.ts";
import { emitRows } from "../output.ts";
import { REPAIR_LISTING, SCORE_LISTING } from "../result-listings.ts";

type Options = Pick<SharedOptions, "db" | "budget" | "format" | "fields" | "long"> & {
  criterion?: string[];
  where?: string;
  summary?: boolean;
  extended?: boolean;
  repairs?: boolean;
  results?: string;
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
    .option("--summary", "means over defects, with the paired difference infected - sham")
    .option("--extended", "further metrics too: F1, top-n, recall@n, precision@|G|, mean EXAM, AUROC and AP by layer")
    .option("--repairs", "what repairs gained and cost instead")
    .addOption(resultsOption())
    .addOption(budgetOption())
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], options: Options) => {
      const { openDatabase } = await import("../../store/database.ts");
      const { JUDGED_VERSIONS, Results } = await import("../../store/results.ts");
      const { selectItems } = await import("../../pipeline/judging/select.ts");
      const { Catalog } = await import("../../store/catalog.ts");
      if (options.summary && options.repairs) throw new InputError("give --summary or --repairs, not both");
      if (options.extended && options.repairs) throw new InputError("--extended is about scores: leave out --repairs");
      const database = await openDatabase(options.db, { readOnly: true });
      const { resultStore } = await import("../../pipeline/judging/judge.ts");
      const results = new Results(resultStore(database, options.results), options.budget);
      const items = await selectItems(new Catalog(database), { names, where: options.where }, JUDGED_VERSIONS);
      if (options.repairs) {
        const { repairRow } = await import("../../pipeline/judging/repair.ts");
        const ids = new Set(items.map(({ id }) => id));
        const rows = results.repairs().filter(({ id }) => ids.has(id));
        return finish(rows.map(repairRow), options, "repair");
      }
      const { scoreAll, scoreAllExtended } = await import("../../pipeline/judging/score.ts");
      const { SCORE_METRICS, summarize } = await import("../../score/summary.ts");
      const { storedCriteria } = await import("../../pipeline/judging/criteria.ts");
      const criteria = storedCriteria(options.criterion, results.criteria());
      if (options.extended) {
        const { EXTENDED_METRICS } = await import("../../score/extended.ts");
        const scores = await scoreAllExtended(database, results, items, criteria);
        const metrics = [...SCORE_METRICS, ...EXTENDED_METRICS];
        return finish(options.summary ? summarize(scores, metrics) : scores, options, "localize");
      }
      const scores = await scoreAll(database, results, items, criteria);
      finish(options.summary ? summarize(scores, SCORE_METRICS) : scores, options, "localize");
    });
}

function finish(rows: object[], options: Options, verb: string): void {
  if (rows.length === 0) process.stderr.write(`nothing to show: run 'bdefects ${verb}' on the selection first\n`);
  emitRows(
    rows.map((row) => ({ ...row })),
    options,
    options.repairs ? REPAIR_LISTING : options.summary ? {} : SCORE_LISTING,
  );
}
