import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../core/errors.ts";
import { type DownloadOptions, download, fileNameOf } from "./fetch/download.ts";
import { unpack } from "./fetch/unpack.ts";
import { reasonOf } from "./files.ts";
import type { DatasetDefinition, Download } from "./types.ts";

export interface FetchOptions extends DownloadOptions {
  /** Says in a line what is being done. */
  onStep?: (text: string) => void;
}

/** Where parts and half-unpacked archives lie, below the data folder so that renaming them is one step. */
const WORKSHOP = ".fetch";

/**
 * Brings a data set's archives into the data folder: download (resumed where an earlier run stopped), MD5 check, unpack
 * aside, then one rename per place. Places that exist already are left alone and their archives not downloaded.
 *
 * @throws InputError naming the URL, archive or path at fault; then nothing half-made lies in place
 */
export async function fetchDataset(
  { name, downloads }: Pick<DatasetDefinition, "name" | "downloads">,
  dataDir: string,
  options: FetchOptions = {},
): Promise<void> {
  const { onStep } = options;
  if (downloads.length === 0) onStep?.(`${name}: nothing to download`);
  for (const item of downloads) {
    const lacking = item.places.filter((place) => !existsSync(join(dataDir, place)));
    if (lacking.length === 0)
      onStep?.(`${name}: ${item.places.join(", ")} is already there; remove it to download it again`);
    else await fetchArchive(item, lacking, dataDir, options);
  }
}

async function fetchArchive(item: Download, places: string[], dataDir: string, options: FetchOptions): Promise<void> {
  const archive = fileNameOf(item.url);
  const workshop = join(dataDir, WORKSHOP);
  const part = join(workshop, `${archive}.part`);
  onDisk(workshop, () => mkdirSync(workshop, { recursive: true }));
  removeLeftovers(workshop);
  options.onStep?.(`downloading ${item.url}`);
  await download(item, part, options);

  const stage = onDisk(workshop, () => mkdtempSync(join(workshop, `${archive}-`)));
  try {
    options.onStep?.(`unpacking ${archive}`);
    const into = join(stage, item.into);
    onDisk(into, () => mkdirSync(into, { recursive: true }));
    await unpack(item.archive, part, into, archive);
    const absent = places.find((place) => !existsSync(join(stage, place)));
    if (absent) throw new InputError(`${item.url}: the archive lacks ${absent}`);
    for (const place of places) {
      const target = join(dataDir, place);
      onDisk(target, () => {
        mkdirSync(dirname(target), { recursive: true });
        renameSync(join(stage, place), target);
      });
    }
    rmSync(part, { force: true });
  } finally {
    rmSync(stage, { recursive: true, force: true });
    if (readdirSync(workshop).length === 0) rmdirSync(workshop);
  }
}

/** Removes what killed runs left half-unpacked; what is younger than a day may be another run's. */
function removeLeftovers(workshop: string): void {
  const yesterday = Date.now() - 24 * 3600 * 1000;
  for (const name of readdirSync(workshop)) {
    const path = join(workshop, name);
    const { mtimeMs } = statSync(path);
    if (!name.endsWith(".part") && mtimeMs < yesterday) onDisk(path, () => rmSync(path, { recursive: true }));
  }
}

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new InputError(`cannot write ${path}: ${reasonOf(error)}`);
  }
}
