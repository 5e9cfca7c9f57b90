import { closeSync, createReadStream, createWriteStream, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline as pipeThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createGunzip } from "node:zlib";
import { extract } from "tar";
import { openPromise } from "yauzl";
import { InputError } from "../../core/errors.ts";
import { reasonOf } from "../../files/data-file.ts";
import type { Download } from "../types.ts";

/**
 * Unpacks an archive into an existing folder: plain files and folders only, none outside it.
 *
 * @param name of the archive, for messages
 * @throws InputError naming the archive and the entry at fault; what was unpacked until then stays for the caller to
 *   remove
 */
export async function unpack(kind: Download["archive"], path: string, folder: string, name: string): Promise<void> {
  try {
    await (kind === "zip" ? unpackZip(path, folder, name) : unpackTar(path, folder, name));
  } catch (error) {
    if (error instanceof InputError) throw error;
    const said = (error as NodeJS.ErrnoException).syscall ? reasonOf(error) : (error as Error).message;
    // Its directory is a zip's end.
    const text = said.startsWith("End of central directory") ? "it is cut short, or no zip" : said;
    throw new InputError(`cannot unpack ${name}: ${text}`);
  }
}

/** Whether an entry's path stays below the folder on every system. */
function isSafe(path: string): boolean {
  if (path === "" || path.includes("\\") || path.includes("\0") || /^([a-z]:|\/)/i.test(path)) return false;
  return !path.split("/").includes("..");
}

function refuse(name: string, entry: string, why: string): InputError {
  return new InputError(`cannot unpack ${name}: its entry '${entry.slice(0, 200)}' ${why}`);
}

/** Pictures do not compress, and labels are few: an archive that unpacks to so many times its size is a bomb. */
const MOST_EXPANSION = 100;
const SMALL_BYTES = 256 << 20;
/** ImageNet has 1.3 million images. */
const MOST_ENTRIES = 2_000_000;
const LONGEST_NAME = 1024;

/** What an archive may bring, counted as it comes. */
class Allowance {
  private readonly name: string;
  private readonly most: number;
  private bytes = 0;
  private entries = 0;

  constructor(path: string, name: string) {
    this.name = name;
    this.most = Math.max(SMALL_BYTES, MOST_EXPANSION * statSync(path).size);
  }

  addEntry(entry: string): void {
    if (entry.length > LONGEST_NAME) throw refuse(this.name, entry, `has a name of ${entry.length} characters`);
    if (++this.entries > MOST_ENTRIES)
      throw new InputError(`cannot unpack ${this.name}: more than ${MOST_ENTRIES} entries`);
  }

  addBytes(count: number): void {
    this.bytes += count;
    if (this.bytes <= this.most) return;
    throw new InputError(
      `cannot unpack ${this.name}: it goes on after ${this.most} bytes, more than one of its size can hold`,
    );
  }

  /**
   * Lets bytes through as long as there are not too many.
   *
   * @param atEnd looks at their CRC-32 and may throw
   */
  counter(atEnd: (crc: number) => void): Transform {
    let crc = 0;
    return new Transform({
      flush(done) {
        try {
          atEnd(crc);
          done();
        } catch (error) {
          done(error as Error);
        }
      },
      transform: (chunk: Buffer, _, done) => {
        try {
          this.addBytes(chunk.length);
          crc = crc32(chunk, crc);
          done(null, chunk);
        } catch (error) {
          done(error as Error);
        }
      },
    });
  }
}

async function unpackTar(path: string, folder: string, name: string): Promise<void> {
  let fault: unknown;
  const allowance = new Allowance(path, name);
  const unpacker = extract({
    cwd: folder,
    strict: true,
    preserveOwner: false,
    noChmod: true,
    filter(entryPath, entry) {
      if (fault) return false;
      try {
        allowance.addEntry(entryPath);
        const type = "type" in entry ? entry.type : "File";
        if (!isSafe(entryPath)) throw refuse(name, entryPath, "leads out of the folder");
        if (!["File", "OldFile", "ContiguousFile", "Directory", "GNUDumpDir"].includes(type)) {
          throw refuse(name, entryPath, `is a ${type}, not a file or folder`);
        }
        return true;
      } catch (error) {
        fault = error;
        return false;
      }
    },
  });
  const closed = new Promise<void>((resolve, reject) => {
    unpacker.on("close", resolve);
    unpacker.on("error", (error: Error) => {
      fault ??= error;
      reject(error);
    });
  });
  // Whoever waits for it hears of it.
  closed.catch(() => undefined);
  let isFirst = true;
  for await (const chunk of decompressed(path)) {
    allowance.addBytes(chunk.length);
    // The parser waits for ever on what has no header at all.
    if (isFirst && chunk.subarray(0, BLOCK).every((byte) => byte === 0)) throw new Error("it begins with zeros");
    isFirst = false;
    if (!unpacker.write(chunk) && !fault) {
      await Promise.race([closed, new Promise<void>((resolve) => unpacker.once("drain", resolve))]);
    }
    if (fault) throw fault;
  }
  unpacker.end();
  await closed;
  if (fault) throw fault;
}

const BLOCK = 512;

/** Decompressed here, not by the parser, so that it can be counted and stopped. */
async function* decompressed(path: string): AsyncGenerator<Buffer> {
  const source = createReadStream(path);
  try {
    // Errors of the file end the decompressor, which throws them here.
    yield* isGzip(path) ? pipeThrough(source, createGunzip(), () => undefined) : source;
  } finally {
    source.destroy();
  }
}

function isGzip(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(2);
    return readSync(file, head, 0, 2, 0) === 2 && head[0] === 0x1f && head[1] === 0x8b;
  } finally {
    closeSync(file);
  }
}

/** Unix file type bits in the upper half of a zip entry's external attributes. */
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;

async function unpackZip(path: string, folder: string, name: string): Promise<void> {
  const allowance = new Allowance(path, name);
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName } = entry;
      allowance.addEntry(fileName);
      if (!isSafe(fileName)) throw refuse(name, fileName, "leads out of the folder");
      const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
      if (type !== 0 && type !== REGULAR && type !== FOLDER) throw refuse(name, fileName, "is no file or folder");
      const target = join(folder, fileName);
      if (fileName.endsWith("/")) {
        mkdirSync(target, { recursive: true });
        continue;
      }
      mkdirSync(dirname(target), { recursive: true });
      // "wx": an entry never overwrites another.
      const content = await zip.openReadStreamPromise(entry);
      // The library compares sizes only.
      const check = (crc: number) => {
        if (crc !== entry.crc32) throw refuse(name, fileName, "is damaged: its CRC-32 is another");
      };
      await pipeline(content, allowance.counter(check), createWriteStream(target, { flags: "wx" }));
    }
  } finally {
    zip.close();
  }
}
