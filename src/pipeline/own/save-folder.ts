import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { InputError } from "../../core/errors.ts";
import { assertMayWrite, exists, withPath } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { fillNewFolder } from "../../store/disk/new-folder.ts";
import type { ForeignFile, ForeignModel } from "../../tasks/foreign-models.ts";

/** Bytes that are copied at once. */
const PIECE = 4 << 20;
const ABOUT = "repair.json";

/** Where a repaired model goes: `<dir>/<name>.<method>.<using>`, the name that of the folder, or of the file without its suffix. */
export function repairedFolder(path: string, dir: string, method: string, using: string): string {
  const whole = resolve(path);
  const name = extname(whole) === ".safetensors" ? basename(whole, ".safetensors") : basename(whole);
  // A checkout's `model.safetensors` is the folder's model.
  const shown = name === "model" ? basename(dirname(whole)) : name;
  return join(dir, `${shown}.${method}.${using.replaceAll(":", ".")}`);
}

/** @throws InputError where two repairs would go to one folder, or something lies where one would go */
export function assertNewFolders(folders: readonly string[]): void {
  const twice = folders.find((folder, i) => folders.indexOf(folder) !== i);
  if (twice !== undefined) {
    throw new InputError(`--using: two lists of neurons would both be written as ${twice}; rename one`);
  }
  const there = folders.find((folder) => exists(folder));
  if (there !== undefined) throw new InputError(`${there}: exists already; name another folder with --out`);
  for (const folder of folders) assertMayWrite(dirname(folder));
}

/**
 * Writes a model as a new folder of the form that it was opened from, with what was done as `repair.json`. The folder appears whole or not
 * at all; a piece of a file is in memory at a time.
 *
 * @param facts of the repair. @throws InputError where something lies there, or cannot be written
 */
export async function saveFolder(dir: string, model: ForeignModel, facts: object): Promise<void> {
  await fillNewFolder(dir, (folder) => {
    const weights_sha256: Record<string, string> = {};
    for (const file of model.files()) {
      const sha256 = copyWithZeros(file, join(folder, file.name));
      if (file.weights) weights_sha256[file.name] = sha256;
    }
    writeFileSync(join(folder, ABOUT), `${prettyJson({ ...facts, weights_sha256 })}\n`);
  });
}

/** A hash of the weights as the files hold them. */
export function weightsSha256(model: ForeignModel): string {
  const hash = createHash("sha256");
  for (const file of model.files()) if (file.weights) for (const piece of piecesOf(file)) hash.update(piece);
  return hash.digest("hex");
}

/** @returns the copy's SHA-256 */
function copyWithZeros(file: ForeignFile, to: string): string {
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

/** A file's bytes with its zeros, piece by piece; each is valid until the next is asked for. */
function* piecesOf({ from, zeros }: ForeignFile): Generator<Uint8Array> {
  const file = withPath(from, () => openSync(from, "r"));
  try {
    const buffer = new Uint8Array(PIECE);
    const stretches = zeros()[Symbol.iterator]();
    let next = stretches.next();
    for (let begin = 0; ; ) {
      const length = withPath(from, () => readSync(file, buffer, 0, PIECE, begin));
      if (length === 0) return;
      const end = begin + length;
      while (!next.done && next.value[0] < end) {
        const [at, bytes] = next.value;
        buffer.fill(0, Math.max(0, at - begin), Math.min(length, at + bytes - begin));
        // The rest lies in the next piece.
        if (at + bytes > end) break;
        next = stretches.next();
      }
      yield buffer.subarray(0, length);
      begin = end;
    }
  } finally {
    closeSync(file);
  }
}
