import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import { Catalog } from "../../store/catalog.ts";
import { openDatabase } from "../../store/database.ts";
import { DEFECT_FIELD_NAMES } from "../../store/rows.ts";
import { commaList } from "../arguments.ts";
import { dbOption, formatOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

interface QueryOptions extends SharedOptions {
  where?: string;
  fields?: string[];
  sql?: string;
}

/** Read-only SQL over the catalog. */
export function registerQuery(program: Command): void {
  program
    .command("query")
    .description("query the catalog (tables: defects, clean) by SQL, read-only")
    .option("--where <sql>", "a condition on the fields of defects, e.g. \"asr > 0.9 and level = 'small'\"")
    .option("--fields <names>", "which fields, separated by commas (default: all)", commaList("--fields"))
    .option("--sql <select>", 'one SELECT statement, e.g. "select level, avg(asr) from defects group by level"')
    .addOption(dbOption())
    .addOption(formatOption())
    .addHelpText("after", `\nFields: ${DEFECT_FIELD_NAMES.join(", ")}`)
    .action(async ({ db, format, where, fields, sql }: QueryOptions) => {
      if (sql !== undefined && (where !== undefined || fields !== undefined)) {
        throw new InputError("--sql: give either --sql or --where and --fields");
      }
      const catalog = new Catalog(await openDatabase(db, { readOnly: true }));
      if (sql !== undefined) emitRows(await catalog.sql(sql), format);
      else emitRows(await catalog.select(fields ?? DEFECT_FIELD_NAMES, where), format, fields ?? DEFECT_FIELD_NAMES);
    });
}
