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
      const { SITE_IMAGES, siteData } = await import("../../pipeline/site/site-files.ts");
      const { serve } = await import("../../pipeline/site/serve.ts");
      const { remembered } = await import("../../pipeline/site/remembered.ts");
      const data = await siteData(await openToRead(options.db), await siteOptions(options));
      const files = remembered(new Map([...pageFiles(), ...data]));
      // Drawn before the address is known, and the first defect read, so that nobody waits for them.
      const first = [...data.keys()].find((name) => name.startsWith("data/defects/"));
      for (const name of [SITE_IMAGES, first ?? SITE_IMAGES]) await files.get(name)?.();
      const serving = await serve(files, port);
      process.stdout.write(`${serving.url}\n`);
      await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
      await serving.close();
    });
}
