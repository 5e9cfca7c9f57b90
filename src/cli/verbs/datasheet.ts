import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import { openToRead } from "../open.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

/** What a database is, for those who get it: a datasheet and a card per group. */
export function registerDatasheet(program: Command): void {
  program
    .command("datasheet")
    .description("write a datasheet of the database and a card per group as Markdown")
    .option("--out <dir>", "a new folder")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(
      async ({ db, out, ...output }: Pick<SharedOptions, "db" | "format" | "fields" | "long"> & { out?: string }) => {
        if (!out) throw new InputError("--out: name a new folder");
        const { writeDatasheet } = await import("../../report/datasheet.ts");
        const files = await writeDatasheet(await openToRead(db), out);
        emitRows(
          files.map((file) => ({ file })),
          output,
        );
      },
    );
}
