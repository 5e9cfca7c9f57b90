import type { Command } from "commander";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

/** Rebuilds the catalog from the records. */
export function registerReindex(program: Command): void {
  program
    .command("reindex")
    .description("rebuild the catalog from the records")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async ({ db, ...output }: SharedOptions) => {
      const { Catalog } = await import("../../store/catalog/catalog.ts");
      const { openDatabase } = await import("../../store/database.ts");
      const counts = await new Catalog(await openDatabase(db)).rebuild();
      emitRows([counts], output);
    });
}
