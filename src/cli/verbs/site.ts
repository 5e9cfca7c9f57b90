import type { Command } from "commander";
import { openToRead } from "../open.ts";
import { dbOption, type SharedOptions } from "../options.ts";

type Options = Pick<SharedOptions, "db"> & { out: string };

/** Writes the explorer with a database's data as static files. */
export function registerSite(program: Command): void {
  program
    .command("site")
    .description("write the explorer and a database's defects as static files for any web server")
    .requiredOption("--out <dir>", "the folder to write: new or empty")
    .addOption(dbOption())
    .action(async ({ db, out }: Options) => {
      const { writeSite } = await import("../../pipeline/site/write-site.ts");
      const { files, bytes } = await writeSite(await openToRead(db), out);
      process.stdout.write(`${out}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB\n`);
    });
}
