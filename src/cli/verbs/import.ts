import { type Command, Option } from "commander";
import { CheckFailed } from "../../core/errors.ts";
import { withCellProgress } from "../cell-progress.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows, warn } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "format" | "fields" | "long"> & {
  layout: "export" | "bdefects4nn";
  strict?: boolean;
  key?: string;
};

/** What `export` wrote, into a database; all of it is verified first. */
export function registerImport(program: Command): void {
  program
    .command("import")
    .argument("<source>", "a folder or archive that 'export' wrote; with --layout bdefects4nn a folder of cases")
    .description("verify an export and take it into a database, which is created where there is none")
    .addOption(new Option("--layout <kind>", "what the source is").choices(["export", "bdefects4nn"]).default("export"))
    .option("--strict", "with --layout bdefects4nn: all cases or none")
    .option("--key <name>", "with --layout bdefects4nn: which of several networks in a file, e.g. 'ema'")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (source: string, { db, layout, strict, key, ...output }: Options) => {
      if (layout === "bdefects4nn") {
        const { importForeign } = await import("../../store/foreign/import.ts");
        const notes: string[] = [];
        const note = (line: string) => notes.push(line);
        try {
          const rows = await withCellProgress(
            (update) => importForeign(db, source, { note, strict, key, update }),
            "steps",
          );
          emitRows(rows, output);
          const failed = rows.filter(({ status }) => status === "failed").length;
          if (failed > 0) {
            throw new CheckFailed(
              `${failed} of ${rows.length} cases were not taken, as listed; --strict takes all or none`,
            );
          }
        } finally {
          for (const line of notes) warn(line);
        }
        return;
      }
      const { importExport } = await import("../../store/transfer/import.ts");
      const counts = await withCellProgress((update) => importExport(db, source, update), "defects");
      emitRows([{ db, ...counts }], output);
    });
}
