import { createHash } from "node:crypto";
import { createReadStream, existsSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../core/errors.ts";
import { reasonOf } from "../../files/data-file.ts";
import type { Download } from "../types.ts";
import { request } from "./request.ts";

/** How far a file is: bytes so far and in all (null: the server does not say). */
export type Progress = (file: string, bytes: number, total: number | null) => void;

export interface DownloadOptions {
  onProgress?: Progress;
  /** How often a broken transfer is taken up again before giving up. */
  retries?: number;
  /** Pause before the first retry, in milliseconds; doubled each time. */
  pauseMs?: number;
  /** A transfer that brings nothing for so long counts as broken, in milliseconds. */
  stallMs?: number;
}

/** Answers that another attempt may change. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

class Refused extends Error {}

/** Of a file whose size is not known: no data set's archive is so large. */
const MOST_BYTES = 16e9;

/** The last part of a URL's path. */
export function fileNameOf(url: string): string {
  return new URL(url).pathname.split("/").at(-1) || "download";
}

/**
 * Downloads a file to `part`, going on where an earlier attempt stopped, and checks its MD5.
 *
 * @throws InputError when the transfer fails (what arrived is kept for the next run) or the checksum is wrong (nothing
 *   is kept)
 */
export async function download(
  { url, md5, bytes }: Pick<Download, "url" | "md5" | "bytes">,
  part: string,
  options: DownloadOptions = {},
): Promise<void> {
  const resumed = sizeOf(part) > 0;
  // A part that is whole already needs no server: an earlier run ended while unpacking.
  if (resumed && (await md5Of(part)) === md5) return;
  await transfer(url, bytes ?? null, part, options);
  let found = await md5Of(part);
  if (found !== md5 && resumed) {
    // What was resumed may be of another release: once more from the start.
    rmSync(part, { force: true });
    await transfer(url, bytes ?? null, part, options);
    found = await md5Of(part);
  }
  if (found === md5) return;
  rmSync(part, { force: true });
  throw new InputError(`${url}: the download has MD5 ${found}, expected ${md5}; it was thrown away, try again later`);
}

/** Fetches until the file is whole as far as the server tells, retrying from where it broke. */
async function transfer(url: string, expected: number | null, part: string, options: DownloadOptions): Promise<void> {
  const { retries = 5, pauseMs = 1000 } = options;
  for (let failures = 0; ; ) {
    const before = sizeOf(part);
    try {
      return await attempt(url, expected, part, options);
    } catch (error) {
      // An attempt that brought something starts the count anew.
      failures = sizeOf(part) > before ? 1 : failures + 1;
      if (error instanceof InputError) throw error;
      if (error instanceof Refused || failures > retries) throw gaveUp(url, part, error);
      await sleep(pauseMs * 2 ** (failures - 1));
    }
  }
}

function gaveUp(url: string, part: string, error: unknown): InputError {
  const kept = sizeOf(part);
  const mend = kept > 0 ? `${kept} bytes are kept, run the same command again to go on` : "try again later";
  return new InputError(
    `cannot download ${url}: ${reasonOf(error)}; ${mend}, or bring the file by hand and give it with --archive`,
  );
}

async function attempt(url: string, expected: number | null, part: string, options: DownloadOptions): Promise<void> {
  const { onProgress, stallMs = 60_000 } = options;
  const have = sizeOf(part);
  const { response, by } = await request(url, have, stallMs);
  const status = response.statusCode ?? 0;
  // The part holds all there is (or too much: the checksum tells).
  if (status === 416 && have > 0) {
    response.destroy();
    return;
  }
  if (status !== 200 && status !== 206) {
    response.destroy();
    const why = `${by} answered ${status}`;
    throw PASSING.has(status) ? new Error(why) : new Refused(why);
  }
  const from = status === 206 ? rangeStart(response) : 0;
  if (from !== 0 && from !== have) {
    response.destroy();
    throw new Refused(`asked for bytes from ${have}, the server sent from ${from}`);
  }
  const length = Number(response.headers["content-length"] ?? Number.NaN);
  const total = Number.isFinite(length) ? from + length : expected;
  const file = fileNameOf(url);
  const most = expected ?? MOST_BYTES;
  if (total !== null && total > most) {
    response.destroy();
    throw new Refused(`the server offers ${total} bytes, more than the ${most} that it can have`);
  }
  const done = await append(response, part, from, most, (bytes) => onProgress?.(file, bytes, total));
  if (total !== null && done < total) throw new Error(`the connection closed after ${done} of ${total} bytes`);
}

/**
 * Writes the answer's body to the part from an offset on.
 *
 * @returns the part's size afterwards
 * @throws InputError for a fault of the local disk, which no retry mends
 */
async function append(
  body: IncomingMessage,
  part: string,
  from: number,
  most: number,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const local = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      body.destroy();
      throw new InputError(`cannot write ${part}: ${reasonOf(error)}`);
    }
  };
  const handle = await local(open(part, from > 0 ? "a" : "w"));
  let done = from;
  try {
    onBytes(done);
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (done + chunk.length > most) {
        body.destroy();
        throw new Refused(`more than the ${most} bytes that it can have came; it was stopped`);
      }
      await local(handle.writeFile(chunk));
      done += chunk.length;
      onBytes(done);
    }
  } finally {
    await handle.close();
  }
  return done;
}

/** First byte of a 206 answer; −1 when the header is unreadable. */
function rangeStart(response: IncomingMessage): number {
  const match = /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "");
  return match ? Number(match[1]) : -1;
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** MD5 of a file, in hexadecimal. */
export async function md5Of(path: string): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
