import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { folderRepair } from "../../records/repair.ts";
import { parseBoundedJson } from "../../store/disk/bounded-json.ts";
import { assertMayWrite, exists, readBytes, withPath } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { fillNewFolder } from "../../store/disk/new-folder.ts";
import type { ForeignFile, ForeignModel } from "../../tasks/foreign-models.ts";

/** Bytes that are copied at once. */
const PIECE = 4 << 20;
const ABOUT = "repair.json";
const MOST_ABOUT_BYTES = 1 << 26;

/** What `repair.json` says of a repaired folder. */
export type FolderFacts = z.infer<typeof folderRepair>;

/** Where a repaired model goes: `<dir>/<name>.<method>.<using>`. */
export function repairedFolder(path: string, dir: string, method: string, using: string): string {
  return join(dir, `${shownName(path)}.${method}.${using.replaceAll(":", ".")}`);
}

/** Where the steps of repairs lie that are not all done. */
export function unfinishedFolder(path: string, dir: string): string {
  return join(dir, `${shownName(path)}.unfinished`);
}

/** The folder's name, or the file's without its suffix. */
function shownName(path: string): string {
  const whole = resolve(path);
  const name = extname(whole) === ".safetensors" ? basename(whole, ".safetensors") : basename(whole);
  // A checkout's `model.safetensors` is the folder's model.
  return name === "model" ? basename(dirname(whole)) : name;
}

/** @throws InputError where two repairs would go to one folder, or something lies where one would go that no repair wrote */
export function refuseOthers(folders: readonly string[]): void {
  const twice = folders.find((folder, i) => folders.indexOf(folder) !== i);
  if (twice !== undefined) {
    throw new InputError(`--using: two lists of neurons would both be written as ${twice}; rename one`);
  }
  const other = folders.find((folder) => exists(folder) && statedFacts(folder) === null);
  if (other !== undefined) throw new InputError(`${other}: exists already; name another folder with --out`);
  for (const folder of folders) assertMayWrite(dirname(folder));
}

/**
 * A repair that an earlier run of the same command finished; null where nothing lies there. Its weights are read.
 *
 * @param madeFrom what it must have been made from @throws InputError where something else lies there
 */
export function finishedFolder(folder: string, madeFrom: string): FolderFacts | null {
  if (!exists(folder)) return null;
  const facts = statedFacts(folder);
  if (facts?.made_from !== madeFrom) {
    throw new InputError(
      `${folder}: exists already, made of other files or with other options; name another folder with --out`,
    );
  }
  const isWhole = Object.entries(facts.weights_sha256).every(
    ([name, sha256]) => name === basename(name) && hashOf(join(folder, name)) === sha256,
  );
  if (isWhole) return facts;
  throw new InputError(
    `${folder}: exists already, with other weights than its ${ABOUT} states; name another folder with --out`,
  );
}

/** Null where there is no `repair.json` of a repair of ours. */
function statedFacts(folder: string): FolderFacts | null {
  const path = join(folder, ABOUT);
  if (!exists(path)) return null;
  try {
    return folderRepair.safeParse(parseBoundedJson(readBytes(path, MOST_ABOUT_BYTES), path)).data ?? null;
  } catch {
    return null;
  }
}

/**
 * Writes a model as a new folder of the form that it was opened from, with what was done as `repair.json`. The folder appears whole or not
 * at all; a piece of a file is in memory at a time.
 *
 * @param facts of the repair
 * @returns what `repair.json` says
 * @throws InputError where something lies there, or cannot be written
 */
export async function saveFolder(
  dir: string,
  model: ForeignModel,
  facts: Omit<FolderFacts, "weights_sha256">,
): Promise<FolderFacts> {
  const weights_sha256: Record<string, string> = {};
  const about = { ...facts, weights_sha256 };
  await fillNewFolder(dir, (folder) => {
    for (const file of model.files()) {
      const sha256 = copyChanged(file, join(folder, file.name));
      if (file.weights) weights_sha256[file.name] = sha256;
    }
    writeFileSync(join(folder, ABOUT), `${prettyJson(about)}\n`);
  });
  return about;
}

/** A hash of the weights as the files hold them. */
export function weightsSha256(model: ForeignModel): string {
  const hash = createHash("sha256");
  for (const file of model.files()) if (file.weights) for (const piece of piecesOf(file)) hash.update(piece);
  return hash.digest("hex");
}

/** All files of a model by name, those without weights with their hash. */
export function hashesBeside(model: ForeignModel): [name: string, sha256: string | null][] {
  return model.files().map(({ name, from, weights }) => [name, weights ? null : hashOf(from)]);
}

/** Null where there is no such file. */
function hashOf(path: string): string | null {
  if (!exists(path)) return null;
  const hash = createHash("sha256");
  for (const piece of piecesOf({ from: path, changes: () => [] })) hash.update(piece);
  return hash.digest("hex");
}

/** @returns the copy's SHA-256 */
function copyChanged(file: ForeignFile, to: string): string {
  const hash = createHash("sha256");
  const out = openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  try {
    for (const piece of piecesOf(file)) {
      hash.update(piece);
      for (let done = 0; done < piece.length; ) done += writeSync(out, piece, done);
    }
  } finally {
    closeSync(out);
  }
  return hash.digest("hex");
}

/** A file's bytes as they are in the copy, piece by piece; each is valid until the next is asked for. */
function* piecesOf({ from, changes }: Pick<ForeignFile, "from" | "changes">): Generator<Uint8Array> {
  const file = withPath(from, () => openSync(from, "r"));
  try {
    const buffer = new Uint8Array(PIECE);
    const stretches = changes()[Symbol.iterator]();
    let next = stretches.next();
    for (let begin = 0; ; ) {
      const length = withPath(from, () => readSync(file, buffer, 0, PIECE, begin));
      if (length === 0) return;
      const end = begin + length;
      while (!next.done && next.value[0] < end) {
        const [at, bytes] = next.value;
        const first = Math.max(begin, at);
        buffer.set(bytes.subarray(first - at, end - at), first - begin);
        // The rest lies in the next piece.
        if (at + bytes.length > end) break;
        next = stretches.next();
      }
      yield buffer.subarray(0, length);
      begin = end;
    }
  } finally {
    closeSync(file);
  }
}
