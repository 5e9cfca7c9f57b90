import type { SiteOptions } from "../pipeline/site/site-files.ts";

/** What `serve` and `site` show beside a database: the named board, else this project's; results of a folder, where one is named. */
export async function siteOptions({ board, results }: { board?: string; results?: string }): Promise<SiteOptions> {
  const { SHIPPED_BOARD } = await import("../pipeline/board/entry.ts");
  const { storedResultFolder } = await import("../pipeline/judging/judge.ts");
  return {
    board: board ?? SHIPPED_BOARD,
    note: (message) => process.stderr.write(`${message}\n`),
    ...(results !== undefined && { results: storedResultFolder(results) }),
  };
}
