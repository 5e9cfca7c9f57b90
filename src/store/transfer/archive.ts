import { createReadStream, type ReadStream, statSync } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";
import { withPath } from "../disk/fs.ts";
import type { Receiver } from "./receiver.ts";

/** Objects are compressed already and records shrink to a tenth: an archive that claims to hold more is a bomb. */
const MOST_EXPANSION = 50;
const SMALL_BYTES = 16 << 20;
/** A header, a long name's header and body, and padding. */
const ENTRY_OVERHEAD = 4096;
/** What may follow the last file: an archive ends in zeros up to a whole record. */
const END_BYTES = 1 << 20;
const BLOCK = 512;
const LONGEST_NAME = 4096;

/** How what people take for an archive begins. */
const BEGINNINGS: [string, string][] = [
  ["504b0304", "a zip archive"],
  ["fd377a585a00", "compressed by xz"],
  ["425a68", "compressed by bzip2"],
  ["28b52ffd", "compressed by zstd"],
  ["377abcaf271c", "a 7z archive"],
  ["3c21646f63747970", "a web page"],
  ["3c21444f43545950", "a web page"],
  ["3c68746d6c", "a web page"],
  ["76657273696f6e2068747470", "a pointer of Git LFS: run 'git lfs pull'"],
];

/**
 * Reads a tar archive, compressed by gzip or not, in one pass. Nothing of an entry is kept before its name, type and size
 * are known to be right, and decompression stops where more comes than the manifest lists.
 *
 * @throws InputError naming the archive and the entry at fault.
 */
export async function readArchive(source: string, receiver: Receiver): Promise<void> {
  const packed = withPath(source, () => statSync(source).size);
  const limit = SMALL_BYTES + MOST_EXPANSION * packed;
  const reader = new TarReader(receiver, limit);
  try {
    for await (const chunk of decompressed(source)) {
      reader.feed(chunk);
      if (reader.fault) break;
    }
  } catch (error) {
    reader.fault ??= receiver.fault(`is no whole tar.gz archive (${(error as Error).message})`);
  }
  reader.end();
  if (reader.fault) throw reader.fault;
}

/** The bytes of a file, decompressed where it begins as gzip does. */
async function* decompressed(source: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(source);
  try {
    const first = await firstOf(stream);
    if (first === null) throw new Error("it is empty");
    const head = first.subarray(0, 16).toString("hex");
    const other = BEGINNINGS.find(([hex]) => head.startsWith(hex));
    if (other) throw new Error(`it is ${other[1]}`);
    stream.unshift(first);
    // Errors of the file end the decompressor, which throws them here.
    yield* head.startsWith("1f8b") ? pipeline(stream, createGunzip(), () => undefined) : stream;
  } finally {
    stream.destroy();
  }
}

/** What a stream brings first; null where it brings nothing. */
function firstOf(stream: ReadStream): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    stream.once("readable", () => resolve(stream.read() as Buffer | null));
    stream.once("error", reject);
  });
}

/** Feeds a tar parser with as much as an export can hold, and its entries to the receiver. */
class TarReader {
  fault: Error | undefined;
  private readonly receiver: Receiver;
  private readonly limit: number;
  private readonly parser: Parser;
  private seen = 0;

  constructor(receiver: Receiver, limit: number) {
    this.receiver = receiver;
    this.limit = limit;
    this.parser = new Parser({ strict: true, onReadEntry: (entry) => this.guard(() => this.take(entry)) });
    this.parser.on("error", (error: Error) => {
      this.fault ??= receiver.fault(`is no whole tar.gz archive (${error.message})`);
    });
  }

  feed(chunk: Buffer): void {
    if (this.seen === 0) this.guard(() => this.assertTar(chunk));
    this.seen += chunk.length;
    const { listed } = this.receiver;
    const most = listed === null ? this.limit : listed.bytes + listed.files * ENTRY_OVERHEAD + END_BYTES;
    if (this.seen > most) {
      this.fault ??= this.receiver.fault(`goes on after ${most} bytes, more than an export of its size can hold`);
    }
    if (!this.fault) this.guard(() => this.parser.write(chunk));
  }

  end(): void {
    if (!this.fault) this.guard(() => this.parser.end());
  }

  /** The parser waits for ever on what has no header at all. */
  private assertTar(first: Buffer): void {
    if (first.subarray(0, BLOCK).every((byte) => byte === 0)) {
      throw this.receiver.fault("is no tar.gz archive: it begins with zeros");
    }
    if (first[0] === 0x1f && first[1] === 0x8b) throw this.receiver.fault("is compressed twice", "decompress it once");
  }

  private take(entry: ReadEntry): void {
    const name = entry.path;
    if (name.length > LONGEST_NAME) throw this.receiver.fault(`has a name of ${name.length} characters`);
    if (entry.type !== "File" && entry.type !== "OldFile") {
      throw this.receiver.fault(`${JSON.stringify(name.slice(0, 200))} is a ${entry.type}, not a plain file`);
    }
    this.receiver.announce(name, entry.size);
    const chunks: Buffer[] = [];
    entry.on("data", (chunk: Buffer) => this.fault === undefined && chunks.push(chunk));
    entry.on("end", () => this.guard(() => this.receiver.take(name, Buffer.concat(chunks), this.limit)));
  }

  /** What the parser calls must not throw. */
  private guard(work: () => void): void {
    try {
      if (!this.fault) work();
    } catch (error) {
      this.fault = error as Error;
    }
  }
}
