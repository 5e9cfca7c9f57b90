import type { Command } from "commander";
import { openToRead, selectRows } from "../open.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

/** The defects of a selection, whatever their status. */
export function registerIds(program: Command): void {
  program
    .command("ids")
    .argument("[selection...]", "ids and group names (none: all)")
    .description("list defects, of any status")
    .option("--where <sql>", "a condition on the catalog's fields, e.g. \"status = 'accepted' and level = 'small'\"")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], { db, where, ...output }: SharedOptions & { where?: string }) => {
      const rows = await selectRows(await openToRead(db), names, where);
      emitRows(rows, output, {
        fields: ["id", "group_id", "status", "reason"],
        first: ["id", "status", "reason"],
        text: "reason",
      });
    });
}
