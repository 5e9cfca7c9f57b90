import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "format" | "fields" | "long"> & { reason?: string; restore?: boolean };

/** Withdraws defects: their records say why, and nothing is deleted. */
export function registerDeprecate(program: Command): void {
  program
    .command("deprecate")
    .argument("<id...>", "accepted defects")
    .description("withdraw accepted defects with a reason; they stay in the database, but are judged no longer")
    .option("--reason <text>", "why, for the record")
    .option("--restore", "take a deprecation back")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (ids: string[], { db, reason, restore, ...output }: Options) => {
      if (restore && reason !== undefined) throw new InputError("give --reason or --restore, not both");
      if (!restore && !reason?.trim()) throw new InputError("--reason: say why the defects are withdrawn");
      const { openDatabase } = await import("../../store/database.ts");
      const { deprecate } = await import("../../store/deprecate.ts");
      const text = restore ? null : reason!.trim().replace(/\s+/g, " ");
      const records = deprecate(await openDatabase(db), [...new Set(ids)], text);
      emitRows(
        records.map(({ id, group_id, status, reason: why }) => ({ id, group_id, status, reason: why })),
        output,
        { first: ["id", "status", "reason"], text: "reason" },
      );
    });
}
