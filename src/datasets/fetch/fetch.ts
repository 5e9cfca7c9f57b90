import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DatasetDefinition, Download } from "../types.ts";
import { isBrought, notFetched } from "./brought.ts";
import { type DownloadOptions, download, fileNameOf } from "./download.ts";
import { clearWorkshop, closeWorkshop, movesOf, openWorkshop, place } from "./placing.ts";

export interface FetchOptions extends DownloadOptions {
  /** Says in a line what is being done. */
  onStep?: (text: string) => void;
}

/**
 * Brings a data set's archives into the data folder: download (resumed where an earlier run stopped), MD5 check, unpack
 * aside, then one rename per place. Places that exist already are left alone and their archives not downloaded; nor is
 * anything where the data folder holds the data set in another layout.
 *
 * @throws InputError naming the URL, archive or path at fault, or where a data set that is brought by hand is offered; then nothing half-made lies in place
 */
export async function fetchDataset(
  definition: Pick<DatasetDefinition, "name" | "downloads"> & Partial<DatasetDefinition>,
  dataDir: string,
  options: FetchOptions = {},
): Promise<void> {
  const { onStep } = options;
  const { name, downloads, find } = definition;
  if (downloads.length === 0 && !isBrought(definition)) onStep?.(`${name}: nothing to download`);
  for (const { url, places } of downloads) {
    if (places.every((place) => existsSync(join(dataDir, place)))) clearWorkshop(dataDir, partOf(url));
  }
  const [found] = find?.(dataDir) ?? [];
  if (found) {
    onStep?.(
      `${name}: ${found.layout} is already in ${found.folder}; remove it or name another folder with --data to download the release`,
    );
    return;
  }
  if (isBrought(definition)) throw notFetched(definition, dataDir);
  for (const item of downloads) {
    const lacking = item.places.filter((place) => !existsSync(join(dataDir, place)));
    if (lacking.length === 0)
      onStep?.(`${name}: ${item.places.join(", ")} is already there; remove it to download it again`);
    else await fetchArchive(item, lacking, dataDir, options);
  }
}

async function fetchArchive(item: Download, places: string[], dataDir: string, options: FetchOptions): Promise<void> {
  const name = fileNameOf(item.url);
  const isNewFolder = !existsSync(dataDir);
  const part = partOf(item.url);
  const path = join(openWorkshop(dataDir, part), part);
  try {
    options.onStep?.(`downloading ${item.url}`);
    await download(item, path, options);
    options.onStep?.(`unpacking ${name}`);
    await place({ ...item, path, name }, dataDir, (stage) => movesOf(item.url, places, stage));
    rmSync(path, { force: true });
  } finally {
    closeWorkshop(dataDir, isNewFolder);
  }
}

function partOf(url: string): string {
  return `${fileNameOf(url)}.part`;
}
