import { once } from "node:events";
import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { openToRead } from "../open.ts";
import { boardOption, dbOption, resultsOption, type SharedOptions } from "../options.ts";
import { siteOptions } from "../site-options.ts";

type Options = Pick<SharedOptions, "db"> & { port: number; board?: string; results?: string };

const DEFAULT_PORT = 8417;

/** Serves the explorer on a database, on this machine alone, until it is interrupted. */
export function registerServe(program: Command): void {
  program
    .command("serve")
    .description("serve the explorer on a database, to this machine alone, until interrupted")
    .option("--port <n>", "the port; 0: a free one", wholeNumber("--port", 0, 65_535), DEFAULT_PORT)
    .addOption(dbOption())
    .addOption(resultsOption())
    .addOption(boardOption())
    .action(async ({ port, ...options }: Options) => {
      const { pageFiles } = await import("../../pipeline/site/page-files.ts");
      const { makeFirstView } = await import("../../pipeline/site/first-view.ts");
      const { siteData } = await import("../../pipeline/site/site-files.ts");
      const { serve } = await import("../../pipeline/site/serve.ts");
      const { remembered } = await import("../../pipeline/site/remembered.ts");
      const data = await siteData(await openToRead(options.db), await siteOptions(options));
      const files = remembered(new Map([...pageFiles(), ...data]));
      // What cannot be made is told to who asks for it.
      await makeFirstView(files).catch(() => undefined);
      const serving = await serve(files, port);
      process.stdout.write(`${serving.url}\n`);
      await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
      await serving.close();
    });
}
