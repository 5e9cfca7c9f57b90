import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import { openDatabase } from "../../store/database.ts";
import { selectRows } from "../open.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "format" | "fields" | "long"> & {
  out?: string;
  where?: string;
  results?: boolean;
  tables?: "parquet" | "csv" | "json";
};

/** Defects with everything they need, as a folder or archive; or catalog and results as tables. */
export function registerExport(program: Command): void {
  program
    .command("export")
    .argument("[selection...]", "ids and group names (none: all)")
    .description("write defects with everything they need, checksummed, to a folder or archive, or as tables")
    .option("--out <path>", "a new folder, or a new file ending in .tar.gz")
    .option("--where <sql>", "a condition on the catalog's fields, e.g. \"status = 'accepted'\"")
    .option("--results", "predictions and repairs too")
    .addOption(
      new Option("--tables <kind>", "instead of defects, tables of catalog, scores and repairs in --out DIR").choices([
        "parquet",
        "csv",
        "json",
      ]),
    )
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], { db: dir, out, where, results, tables, ...output }: Options) => {
      if (!out) throw new InputError("--out: name a new folder, or a new file ending in .tar.gz");
      if (tables && results) throw new InputError("--results: tables hold results anyway; leave it out");
      const db = await openDatabase(dir, { readOnly: true });
      const rows = await selectRows(db, names, where);
      if (tables) {
        const { exportTables } = await import("../../pipeline/export-tables.ts");
        emitRows(await exportTables(db, rows, out, tables), output);
        return;
      }
      if (rows.length === 0) throw new InputError(`no defect ${where ? `where ${where}` : "in the database"}`);
      const { exportDefects } = await import("../../store/transfer/export.ts");
      const ids = rows.map(({ id }) => id);
      const { defects, clean, foreign = [], files } = await exportDefects(db, { ids, out, results: results ?? false });
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      emitRows(
        [{ out, defects: defects.length, clean: clean.length, foreign: foreign.length, files: files.length, bytes }],
        output,
      );
    });
}
