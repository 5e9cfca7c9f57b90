import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import { Catalog } from "../../store/catalog.ts";
import { openDatabase } from "../../store/database.ts";
import { DEFECT_FIELD_NAMES } from "../../store/rows.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

interface QueryOptions extends SharedOptions {
  where?: string;
  sql?: string;
}

/** What most questions are about; the reason says why a candidate has no figures. */
const FIRST = ["id", "status", "asr", "ca", "infected", "effective", "asr_masked", "asr_sham", "ca_clean", "reason"];

/** Read-only SQL over the catalog. */
export function registerQuery(program: Command): void {
  program
    .command("query")
    .description("query the catalog (tables: defects, clean) by SQL, read-only")
    .option("--where <sql>", "a condition on the fields of defects, e.g. \"asr > 0.9 and level = 'small'\"")
    .option("--sql <select>", 'one SELECT statement, e.g. "select level, avg(asr) from defects group by level"')
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .addHelpText("after", `\nFields: ${DEFECT_FIELD_NAMES.join(", ")}`)
    .action(async ({ db, where, sql, ...output }: QueryOptions) => {
      const { fields } = output;
      if (sql !== undefined && (where !== undefined || fields !== undefined)) {
        throw new InputError("--sql: give either --sql or --where and --fields");
      }
      const catalog = new Catalog(await openDatabase(db, { readOnly: true }));
      if (sql === undefined) {
        const rows = await catalog.select(fields ?? DEFECT_FIELD_NAMES, where);
        emitRows(rows, output, { fields: DEFECT_FIELD_NAMES, first: FIRST, text: "reason" });
        return;
      }
      const rows = await catalog.sql(sql);
      // Whoever selects everything has chosen nothing.
      const everything = DEFECT_FIELD_NAMES.every((field) => rows.length > 0 && field in rows[0]);
      emitRows(rows, output, everything ? { first: FIRST } : {});
    });
}
