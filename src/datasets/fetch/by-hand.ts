import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { reasonOf, strayOf } from "../../files/data-file.ts";
import type { DatasetDefinition, Download, KnownArchive } from "../types.ts";
import { isBrought, notFetched } from "./brought.ts";
import { fileNameOf, md5Of } from "./download.ts";
import { closeWorkshop, type Move, movesOf, place } from "./placing.ts";

type Wanted = Pick<DatasetDefinition, "name" | "downloads" | "otherArchives" | "holdsPart"> &
  Partial<DatasetDefinition>;

/**
 * Takes in an archive that was brought by hand. One that is known by its MD5 goes where its download would; any other is
 * unofficial, and goes into a folder of its own if it holds the data set or a part of it. The archive stays as it is.
 *
 * @param onStep says in a line what is being done
 * @param others data sets for which the archive may have been meant, for messages
 * @throws InputError naming the archive and why it cannot be taken; then nothing half-made lies in place
 */
export async function takeArchive(
  definition: Wanted,
  file: string,
  dataDir: string,
  onStep: (text: string) => void = () => undefined,
  others: Iterable<Wanted> = [],
): Promise<void> {
  const { name } = definition;
  const known = archivesOf(definition);
  if (isBrought(definition)) throw notFetched(definition, dataDir);
  if (known.length === 0) throw new InputError(`${name} is drawn and takes no archive`);
  const archive = kindOf(file);
  const md5 = await md5Of(file);
  const rest = [...others].filter((one) => one.name !== name);
  const other = rest.find((one) => archivesOf(one).some((published) => published.md5 === md5));
  if (other) throw isOfOther(file, name, other.name);
  const match = known.find((one) => one.md5 === md5);
  const namesake = known.find((one) => one.name === basename(file));
  if (!match && namesake) {
    throw new InputError(
      `${file}: has MD5 ${md5}, and ${namesake.name} as published has ${namesake.md5}: it is damaged or another's; bring it again, or rename it to take it in as unofficial`,
    );
  }
  const lacking = match?.places.filter((path) => !existsSync(join(dataDir, path)));
  if (lacking?.length === 0) {
    onStep(`${name}: ${match!.places.join(", ")} is already there; remove it to unpack it again`);
    return;
  }
  onStep(
    match
      ? `${file}: is ${match.name} as published, by its MD5`
      : `${file}: is unofficial: its MD5 ${md5} is of no known archive of ${name} (${known.map((one) => one.name).join(", ")}). Its records are checked, not where they come from`,
  );
  onStep(`unpacking ${basename(file)}`);
  const isNewFolder = !existsSync(dataDir);
  try {
    await place({ path: file, name: basename(file), archive, into: match?.into ?? "" }, dataDir, (stage) =>
      match ? movesOf(file, lacking!, stage) : moveOfUnknown(definition, file, dataDir, stage, rest),
    );
  } finally {
    closeWorkshop(dataDir, isNewFolder);
  }
}

function archivesOf({ downloads, otherArchives }: Wanted): KnownArchive[] {
  return [...downloads.map((item) => ({ ...item, name: fileNameOf(item.url) })), ...otherArchives];
}

/** The one folder that it brings, or a folder of its name around all that it brings. */
function moveOfUnknown(definition: Wanted, file: string, dataDir: string, stage: string, others: Wanted[]): Move[] {
  if (!definition.holdsPart(stage)) {
    const other = others.find((one) => one.holdsPart(stage));
    if (other) throw isOfOther(file, definition.name, other.name);
    throw new InputError(`${file}: holds nothing of ${definition.name} in a layout that is known; see docs/data.md`);
  }
  const top = readdirSync(stage);
  const isOne = top.length === 1 && statSync(join(stage, top[0])).isDirectory();
  const to = isOne ? top[0] : basename(file).replace(/\.(zip|tar|tgz|tar\.gz)$/i, "");
  if (lstatSync(join(dataDir, to), { throwIfNoEntry: false })) {
    throw new InputError(`${join(dataDir, to)}: exists already; move it away, or name another folder with --data`);
  }
  return [{ from: isOne ? join(stage, to) : stage, to }];
}

function isOfOther(file: string, name: string, other: string): InputError {
  return new InputError(`${file}: holds ${other}, not ${name}; run 'bdefects data fetch ${other} --archive ${file}'`);
}

const TAR_MAGIC_AT = 257;

/** Told by its first bytes. @throws InputError where it is no archive that can be unpacked */
function kindOf(file: string): Download["archive"] {
  let head: Buffer;
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw new InputError(`${file}: is a folder; name it with --data instead`);
    if (!found.isFile()) throw new InputError(`${file}: is no regular file`);
    const handle = openSync(file, "r");
    try {
      head = Buffer.alloc(TAR_MAGIC_AT + 5);
      readSync(handle, head, 0, head.length, 0);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`cannot read ${file}: ${reasonOf(error)}`);
  }
  const stray = strayOf(head);
  if (stray) throw new InputError(`${file}: ${stray}`);
  if (head.toString("latin1", 0, 2) === "PK") return "zip";
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  if (isGzip || head.toString("latin1", TAR_MAGIC_AT, TAR_MAGIC_AT + 5) === "ustar") return "tar.gz";
  throw new InputError(
    `${file}: is neither a zip nor a tar or tar.gz; unpack it yourself and name the folder with --data`,
  );
}
