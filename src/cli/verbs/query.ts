import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import { DEFECT_FIELD_NAMES } from "../../records/defect-row.ts";
import { REPAIR_FIELDS } from "../../records/table-fields.ts";
import { SQL_SECONDS } from "../../store/sql/ask.ts";
import { wholeNumber } from "../arguments.ts";
import { openToRead } from "../open.ts";
import { dbOption, fieldsOption, formatOption, longOption, resultsOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

interface QueryOptions extends SharedOptions {
  where?: string;
  sql?: string;
  results?: string;
  timeout: number;
}

/** What most questions are about; the reason says why a candidate has no figures. */
const FIRST = ["id", "status", "asr", "ca", "infected", "effective", "asr_masked", "asr_sham", "ca_clean", "reason"];

/** Which model it was of, before what it left. */
const FIRST_OF_REPAIRS = ["id", "version", "method", "using", "asr_after", "asr_before", "ca_after", "ca_before"];

/** Read-only SQL over the catalog. */
export function registerQuery(program: Command): void {
  program
    .command("query")
    .description("query the database by SQL, read-only (tables: defects, clean, neurons, predictions, scores, repairs)")
    .option("--where <sql>", "a condition on the fields of defects, e.g. \"asr > 0.9 and level = 'small'\"")
    .option("--sql <select>", 'one SELECT statement, e.g. "select level, avg(asr) from defects group by level"')
    .addOption(
      new Option("--timeout <seconds>", "how long a statement may take")
        .default(SQL_SECONDS)
        .argParser(wholeNumber("--timeout", 1, 100_000)),
    )
    .addOption(resultsOption())
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .addHelpText("after", `\nFields: ${DEFECT_FIELD_NAMES.join(", ")}`)
    .action(async ({ db, where, sql, results, timeout: seconds, ...output }: QueryOptions) => {
      const { fields } = output;
      if (sql !== undefined && (where !== undefined || fields !== undefined)) {
        throw new InputError("--sql: give either --sql or --where and --fields");
      }
      const { Catalog } = await import("../../store/catalog/catalog.ts");
      const database = await openToRead(db);
      const catalog = new Catalog(database);
      if (sql === undefined) {
        const rows = await catalog.select(fields ?? DEFECT_FIELD_NAMES, where, { seconds });
        emitRows(rows, output, { fields: DEFECT_FIELD_NAMES, first: FIRST, text: "reason" });
        return;
      }
      const { storedResults } = await import("../../pipeline/judging/judge.ts");
      const { sqlTables } = await import("../../pipeline/tables/sql-tables.ts");
      const tables = sqlTables(database, storedResults(database, results));
      const rows = await catalog.sql(sql, { tables, seconds });
      // Whoever selects everything has chosen nothing.
      const hasAll = (names: readonly string[]) => rows.length > 0 && names.every((name) => name in rows[0]);
      if (rows.length === 0 && output.format === "table") process.stderr.write("no rows\n");
      const first = hasAll(DEFECT_FIELD_NAMES) ? FIRST : hasAll(Object.keys(REPAIR_FIELDS)) ? FIRST_OF_REPAIRS : [];
      // A statement names its fields itself.
      emitRows(rows, output, { first, more: "--long, or select a,b" });
    });
}
