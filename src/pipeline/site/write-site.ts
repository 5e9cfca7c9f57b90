import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Database } from "../../store/database.ts";
import { withPath } from "../../store/disk/fs.ts";
import { fillNewFolder, refuseOccupied } from "../../store/disk/new-folder.ts";
import { pageFiles } from "./page-files.ts";
import { type SiteOptions, siteData } from "./site-files.ts";

/** What a site is made of. */
export interface WrittenSite {
  files: number;
  bytes: number;
}

/**
 * Writes the page with a database's data as files that any host serves, from a sub-folder too. The folder appears whole or
 * not at all.
 *
 * @param dir new or empty
 * @throws InputError where the folder holds something, or nothing can be shown
 */
export async function writeSite(db: Database, dir: string, options: SiteOptions = {}): Promise<WrittenSite> {
  refuseOccupied(dir);
  const all = [...pageFiles(), ...(await siteData(db, options))];
  let bytes = 0;
  await fillNewFolder(dir, async (folder) => {
    for (const [name, make] of all) {
      const content = await make();
      bytes += content.length;
      withPath(dir, () => {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      });
    }
  });
  return { files: all.length, bytes };
}
