import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../core/errors.ts";
import { withStaging } from "../files/staging.ts";
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
  assertOwn(workshop, part);
  options.onStep?.(`downloading ${item.url}`);
  await download(item, part, options);

  try {
    await withStaging(workshop, archive, async (stage) => {
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
          if (lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) {
            throw new InputError(
              `${target}: is a symbolic link that leads nowhere; remove it or bring back what it leads to`,
            );
          }
          renameSync(join(stage, place), target);
        });
      }
    });
    rmSync(part, { force: true });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall ? writeFault(workshop, error) : error;
  } finally {
    if (readdirSync(workshop).length === 0) rmdirSync(workshop);
  }
}

/** @throws InputError where the workshop or the part is a link: nothing is written or deleted through one. */
function assertOwn(workshop: string, part: string): void {
  for (const path of [workshop, part]) {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    throw new InputError(`${path}: is a symbolic link; remove it, downloads are written beside the data`);
  }
}

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw writeFault(path, error);
  }
}

function writeFault(path: string, error: unknown): InputError {
  return new InputError(`cannot write ${path}: ${reasonOf(error)}`);
}
