import { type Command, Option } from "commander";
import { withCellProgress } from "../cell-progress.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "format" | "fields" | "long"> & { layout: "export" | "bdefects4nn" };

/** What `export` wrote, into a database; all of it is verified first. */
export function registerImport(program: Command): void {
  program
    .command("import")
    .argument("<source>", "a folder or archive that 'export' wrote; with --layout bdefects4nn a folder of cases")
    .description("verify an export and take it into a database, which is created where there is none")
    .addOption(new Option("--layout <kind>", "what the source is").choices(["export", "bdefects4nn"]).default("export"))
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (source: string, { db, layout, ...output }: Options) => {
      if (layout === "bdefects4nn") {
        const { importForeign } = await import("../../store/foreign/import.ts");
        emitRows(await withCellProgress((update) => importForeign(db, source, update), "steps"), output);
        return;
      }
      const { importExport } = await import("../../store/transfer/import.ts");
      const counts = await withCellProgress((update) => importExport(db, source, update), "defects");
      emitRows([{ db, ...counts }], output);
    });
}
