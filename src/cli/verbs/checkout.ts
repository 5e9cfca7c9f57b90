import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import { parseVersioned } from "../../core/ids.ts";
import { wholeNumber } from "../arguments.ts";
import { openToRead } from "../open.ts";
import { dataOption, dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows, warn } from "../output.ts";
import { addSamplesOption, samplesGiven } from "../samples-option.ts";

type Options = Pick<SharedOptions, "db" | "data" | "format" | "fields" | "long"> & { sham?: boolean };

/** A defect as a folder that explains itself and loads into PyTorch and ONNX Runtime. */
export function registerCheckout(program: Command): void {
  const verb = program
    .command("checkout")
    .argument("<id>", "a defect, with :infected (default), :clean or :sham for what becomes model.*")
    .argument("<dir>", "the folder to write: new or empty")
    .description("write a defect, its clean twin, trigger and labels to a folder")
    .option("--sham", "write the sham's model too");
  addSamplesOption(
    verb,
    "<n>",
    "write so many clean samples of the defender's and of the test split too, and the same with the trigger; also called --images, --frames and --texts",
    (flag) => wholeNumber(flag, 1, 1_000_000),
  );
  verb
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (text: string, dir: string, { db, data, sham, ...output }: Options) => {
      const samples = samplesGiven<number>(verb);
      const { id, version } = parseVersioned(text);
      const { isForeignName } = await import("../../records/foreign.ts");
      if (isForeignName(id)) {
        if (version !== "infected" || sham || samples !== undefined) {
          throw new InputError(
            `'${id}' has the infected version alone, and no trigger: leave out :${version === "infected" ? "sham" : version}, --sham and --samples`,
          );
        }
        const { checkoutForeign } = await import("../../store/foreign/checkout.ts");
        const { readForeign } = await import("../../store/foreign/records.ts");
        const { DATASETS } = await import("../../tasks/classification/datasets/registry.ts");
        const database = await openToRead(db);
        const known = DATASETS.get(readForeign(database, id).dataset) ?? null;
        const written = await checkoutForeign(database, id, dir, known);
        return emitRows(
          written.map((file) => ({ ...file })),
          output,
        );
      }
      const { checkout } = await import("../../store/checkout/checkout.ts");
      const { checkoutImages } = await import("../../pipeline/checkout/write-images.ts");
      const { refuseOccupied } = await import("../../store/disk/new-folder.ts");
      const { assertKnownDefect } = await import("../../store/catalog/selection.ts");
      const database = await openToRead(db);
      assertKnownDefect(database, id);
      // Before the data set is read, which takes a while.
      refuseOccupied(dir);
      const brought = samples && (await checkoutImages(database, { id, count: samples, dataDir: data }));
      const request = { id, version, sham: sham ?? false, dir };
      const files = await checkout(database, {
        ...request,
        ...(brought && { more: brought.files, holds: brought.holds }),
      });
      emitRows(
        files.map((file) => ({ ...file })),
        output,
      );
      if (brought) brought.notes.forEach(warn);
    });
}
