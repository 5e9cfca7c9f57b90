import type { Command } from "commander";
import { openToRead } from "../open.ts";
import { boardOption, dbOption, resultsOption, type SharedOptions } from "../options.ts";
import { siteOptions } from "../site-options.ts";

type Options = Pick<SharedOptions, "db"> & { out: string; board?: string; results?: string };

/** Writes the explorer with a database's data as static files. */
export function registerSite(program: Command): void {
  program
    .command("site")
    .description("write the explorer and a database's defects as static files for any web server")
    .requiredOption("--out <dir>", "the folder to write: new or empty")
    .addOption(dbOption())
    .addOption(resultsOption())
    .addOption(boardOption())
    .action(async ({ out, ...options }: Options) => {
      const { writeSite } = await import("../../pipeline/site/write-site.ts");
      const { files, bytes } = await writeSite(await openToRead(options.db), out, await siteOptions(options));
      process.stdout.write(`${out}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB\n`);
    });
}
