import type { Command } from "commander";
import { parseVersioned } from "../../core/ids.ts";
import { openToRead } from "../open.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

/** A defect as a folder that explains itself and loads into PyTorch and ONNX Runtime. */
export function registerCheckout(program: Command): void {
  program
    .command("checkout")
    .argument("<id>", "a defect, with :infected (default), :clean or :sham for what becomes model.*")
    .argument("<dir>", "the folder to write: new or empty")
    .description("write a defect, its clean twin, trigger and labels to a folder")
    .option("--sham", "write the sham's model too")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (text: string, dir: string, { db, sham, ...output }: SharedOptions & { sham?: boolean }) => {
      const { id, version } = parseVersioned(text);
      const { checkout } = await import("../../store/checkout.ts");
      const files = await checkout(await openToRead(db), { id, version, sham: sham ?? false, dir });
      emitRows(
        files.map((file) => ({ ...file })),
        output,
      );
    });
}
