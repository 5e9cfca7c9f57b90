import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { fetchDataset } from "../../src/datasets/fetch/fetch.ts";
import type { Download } from "../../src/datasets/types.ts";
import { leaveStaging } from "../files/abandoned.ts";
import { temporaryFolder } from "../store/temp.ts";
import { type Item, tarOf, zipOf } from "./archives.ts";
import { forgetProxies } from "./proxies.ts";

const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("hex");
/** Bytes that do not compress, so that a download has many packets. */
const noise = Buffer.concat(Array.from({ length: 20_000 }, (_, i) => createHash("sha256").update(String(i)).digest()));
const CONTENT: Item[] = [
  { path: "set/" },
  { path: "set/a.bin", data: noise },
  { path: "set/b.txt", data: Buffer.from("b") },
];

describe("fetchDataset", () => {
  let dataDir: string;
  let server: Server;
  let origin: string;
  /** What the server got asked, and how it answers. */
  let asked: (string | undefined)[];
  let answer: (request: IncomingMessage, response: ServerResponse, from: number) => void;
  const archive = gzipSync(tarOf(CONTENT));

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "fetch-"));
    forgetProxies();
    asked = [];
    answer = (request, response, from) => serve(archive, request, response, from);
    server = createServer((request, response) => {
      asked.push(request.headers.range);
      answer(request, response, Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(dataDir, { recursive: true });
  });

  /** A server that knows ranges. */
  function serve(bytes: Buffer, request: IncomingMessage, response: ServerResponse, from: number): void {
    if (!request.headers.range) {
      response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    } else if (from >= bytes.length) {
      response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    } else {
      const rest = bytes.subarray(from);
      response.writeHead(206, {
        "content-length": rest.length,
        "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      });
      response.end(rest);
    }
  }

  /** Sends some bytes under the header of all of them, and hangs up when they are on the disk. */
  function breakAfter(count: number, response: ServerResponse): void {
    response.writeHead(200, { "content-length": archive.length });
    response.write(archive.subarray(0, count));
    const watch = setInterval(() => {
      if (!existsSync(part()) || statSync(part()).size < count) return;
      clearInterval(watch);
      response.destroy();
    }, 5);
  }

  const item = (change: Partial<Download> = {}): Download => ({
    url: `${origin}/files/set.tar.gz`,
    md5: md5(archive),
    archive: "tar.gz",
    into: "",
    places: ["set"],
    ...change,
  });
  const fetchIt = (change?: Partial<Download>, options = {}) =>
    fetchDataset({ name: "some", downloads: [item(change)] }, dataDir, { pauseMs: 1, ...options });
  const fault = async (change?: Partial<Download>, options?: object) => {
    const error = await fetchIt(change, options).then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    return error.message as string;
  };
  const part = () => join(dataDir, ".fetch", "set.tar.gz.part");
  const inPlace = () => readFileSync(join(dataDir, "set", "a.bin")).equals(noise);

  it("downloads, unpacks, reports progress and leaves nothing but the data", async () => {
    const seen: [string, number, number | null][] = [];
    await fetchIt({}, { onProgress: (...step: [string, number, number | null]) => seen.push(step) });
    expect(inPlace()).toBe(true);
    expect(readdirSync(dataDir)).toEqual(["set"]);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen[0]).toEqual(["set.tar.gz", 0, archive.length]);
    expect(seen.at(-1)).toEqual(["set.tar.gz", archive.length, archive.length]);
    const counts = seen.map(([, bytes]) => bytes);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it("does not download what is already there", async () => {
    mkdirSync(join(dataDir, "set"));
    await fetchIt();
    expect(asked).toEqual([]);
    expect(readdirSync(join(dataDir, "set"))).toEqual([]);
  });

  it("clears what a run left that was killed when its data were in place, and nothing else", async () => {
    mkdirSync(join(dataDir, "set"));
    mkdirSync(join(dataDir, ".fetch"));
    writeFileSync(part(), archive);
    leaveStaging(join(dataDir, ".fetch"), "set.tar.gz");
    writeFileSync(join(dataDir, ".fetch", "other.zip.part"), "");
    await fetchIt();
    expect(readdirSync(join(dataDir, ".fetch"))).toEqual(["other.zip.part"]);
    rmSync(join(dataDir, ".fetch", "other.zip.part"));
    await fetchIt();
    expect(readdirSync(dataDir)).toEqual(["set"]);
    expect(asked).toEqual([]);
  });

  it("goes on within a run when the connection breaks", async () => {
    const whole = answer;
    answer = (request, response, from) =>
      asked.length === 1 ? breakAfter(200_000, response) : whole(request, response, from);
    await fetchIt();
    expect(inPlace()).toBe(true);
    expect(asked).toEqual([undefined, "bytes=200000-"]);
  });

  it("keeps the part of an interrupted run and resumes it in the next", async () => {
    const whole = answer;
    answer = (_, response) => breakAfter(150_000, response);
    expect(await fault({}, { retries: 0 })).toMatch(
      /cannot download .*150000 bytes are kept, run the same command again/,
    );
    expect(statSync(part()).size).toBe(150_000);
    expect(existsSync(join(dataDir, "set"))).toBe(false);
    answer = whole;
    asked = [];
    await fetchIt();
    expect(asked).toEqual(["bytes=150000-"]);
    expect(inPlace()).toBe(true);
    expect(readdirSync(dataDir)).toEqual(["set"]);
  });

  it("starts over when the server ignores ranges", async () => {
    answer = (_, response) =>
      asked.length === 1
        ? breakAfter(100_000, response)
        : response.writeHead(200, { "content-length": archive.length }).end(archive);
    await fetchIt();
    expect(asked).toEqual([undefined, "bytes=100000-"]);
    expect(inPlace()).toBe(true);
  });

  it("refuses an answer for another range", async () => {
    mkdirSync(join(dataDir, ".fetch"));
    writeFileSync(part(), archive.subarray(0, 1000));
    answer = (_, response) =>
      response.writeHead(206, { "content-range": `bytes 500-${archive.length - 1}/${archive.length}` }).end("x");
    expect(await fault()).toMatch(/asked for bytes from 1000, the server sent from 500/);
  });

  it("throws a download with a wrong checksum away", async () => {
    expect(await fault({ md5: "0".repeat(32) })).toMatch(
      /set\.tar\.gz: the download has MD5 [0-9a-f]{32}, expected 0{32}/,
    );
    expect(existsSync(part())).toBe(false);
    expect(existsSync(join(dataDir, "set"))).toBe(false);
  });

  it("replaces a part that belongs to another release", async () => {
    mkdirSync(join(dataDir, ".fetch"));
    writeFileSync(part(), Buffer.alloc(1000, 9));
    await fetchIt();
    expect(asked).toEqual(["bytes=1000-", undefined]);
    expect(inPlace()).toBe(true);
  });

  it("needs no server for a part that is whole, and mends one that is too long", async () => {
    mkdirSync(join(dataDir, ".fetch"));
    writeFileSync(part(), archive);
    await fetchIt();
    expect(asked).toEqual([]);
    rmSync(join(dataDir, "set"), { recursive: true });
    mkdirSync(join(dataDir, ".fetch"));
    writeFileSync(part(), Buffer.concat([archive, Buffer.from("more")]));
    await fetchIt();
    expect(inPlace()).toBe(true);
  });

  it("keeps bytes as they are whatever encoding the server claims, and follows redirects", async () => {
    answer = (request, response) => {
      if (request.url?.startsWith("/files")) response.writeHead(302, { location: "/elsewhere/x" }).end();
      else response.writeHead(200, { "content-encoding": "x-gzip" }).end(archive);
    };
    await fetchIt();
    expect(inPlace()).toBe(true);
  });

  it("gives up at once where another attempt is no use, later where it may be", async () => {
    answer = (_, response) => response.writeHead(404).end();
    expect(await fault()).toMatch(
      /cannot download .*set\.tar\.gz: the server answered 404; .* give it with --archive$/,
    );
    expect(asked).toHaveLength(1);
    answer = (_, response) => response.writeHead(503).end();
    asked = [];
    expect(await fault({}, { retries: 2 })).toMatch(/the server answered 503/);
    expect(asked).toHaveLength(3);
    answer = (_, response) => response.writeHead(302, { location: "/files/set.tar.gz" }).end();
    expect(await fault({}, { retries: 0 })).toMatch(/redirects/);
    expect(await fault({ url: "http://127.0.0.1:1/set.tar.gz" }, { retries: 0 })).toMatch(/ECONNREFUSED/);
  });

  it("gives up on a server that falls silent", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": archive.length });
      response.write(archive.subarray(0, 1000));
    };
    expect(await fault({}, { retries: 0, stallMs: 200 })).toMatch(/cannot download .*1000 bytes are kept/);
  });

  it("removes what a killed run left half-unpacked, but nothing of anybody else's", async () => {
    const workshop = join(dataDir, ".fetch");
    mkdirSync(workshop);
    const abandoned = leaveStaging(workshop, "set.tar.gz");
    mkdirSync(join(workshop, "pictures"));
    utimesSync(join(workshop, "pictures"), 1e9, 1e9);
    await fetchIt();
    expect(existsSync(abandoned)).toBe(false);
    expect(readdirSync(workshop)).toEqual(["pictures"]);
  });

  it("writes and deletes nothing through a link", async () => {
    const precious = temporaryFolder();
    writeFileSync(join(precious, "thesis.txt"), "mine");
    symlinkSync(precious, join(dataDir, ".fetch"));
    expect(await fault({}, {})).toMatch(/\.fetch: is a symbolic link/);
    expect(readdirSync(precious)).toEqual(["thesis.txt"]);
  });

  it("unpacks a zip below a folder, next to what is there", async () => {
    const bytes = zipOf([
      { path: "labels.csv", data: Buffer.from("1;2") },
      { path: "sub/" },
      { path: "sub/x", data: noise },
    ]);
    answer = (request, response, from) => serve(bytes, request, response, from);
    mkdirSync(join(dataDir, "deep", "down"), { recursive: true });
    writeFileSync(join(dataDir, "deep", "down", "kept"), "");
    await fetchIt({
      archive: "zip",
      md5: md5(bytes),
      into: "deep/down",
      places: ["deep/down/labels.csv", "deep/down/sub"],
    });
    expect(readdirSync(join(dataDir, "deep", "down")).sort()).toEqual(["kept", "labels.csv", "sub"]);
    expect(readFileSync(join(dataDir, "deep", "down", "sub", "x")).equals(noise)).toBe(true);
  });

  const good: Item = { path: "set/a.bin", data: Buffer.from("fine") };
  const evil = Buffer.from("evil");
  it.each<[string, "tar.gz" | "zip", Item]>([
    ["a tar entry above the folder", "tar.gz", { path: "set/../../evil", data: evil }],
    ["a tar entry with an absolute path", "tar.gz", { path: "/tmp/evil-entry", data: evil }],
    ["a symbolic link in a tar", "tar.gz", { path: "set/link", type: "SymbolicLink", target: "/etc" }],
    ["a hard link in a tar", "tar.gz", { path: "set/link", type: "Link", target: "set/a.bin" }],
    ["a device in a tar", "tar.gz", { path: "set/null", type: "CharacterDevice" }],
    ["a zip entry above the folder", "zip", { path: "set/../../evil", data: evil }],
    ["a zip entry with backslashes", "zip", { path: "set\\..\\..\\evil", data: evil }],
    ["a zip entry with an absolute path", "zip", { path: "/tmp/evil-entry", data: evil }],
    ["a symbolic link in a zip", "zip", { path: "set/link", type: "SymbolicLink", target: "/etc" }],
    ["a zip entry that comes twice", "zip", good],
  ])("refuses %s and leaves nothing", async (_, archiveKind, item) => {
    const bytes = archiveKind === "zip" ? zipOf([good, item]) : gzipSync(tarOf([good, item]));
    answer = (request, response, from) => serve(bytes, request, response, from);
    expect(await fault({ archive: archiveKind, md5: md5(bytes) })).toMatch(/cannot unpack set\.tar\.gz: /);
    expect(readdirSync(dataDir)).toEqual([".fetch"]);
    expect(readdirSync(join(dataDir, ".fetch"))).toEqual(["set.tar.gz.part"]);
    expect(existsSync("/tmp/evil-entry") || existsSync(join(dataDir, "..", "evil"))).toBe(false);
  });

  it("names an archive that is damaged or lacks what it should bring", async () => {
    for (const archiveKind of ["zip", "tar.gz"] as const) {
      const bytes = Buffer.concat([Buffer.from("no archive at all"), noise.subarray(0, 3000)]);
      answer = (request, response, from) => serve(bytes, request, response, from);
      expect(await fault({ archive: archiveKind, md5: md5(bytes) })).toMatch(/set\.tar\.gz/);
      rmSync(part());
    }
    answer = (request, response, from) => serve(archive, request, response, from);
    expect(await fault({ places: ["set", "other"] })).toMatch(/the archive lacks other/);
    expect(existsSync(join(dataDir, "set"))).toBe(false);
  });

  it("names a data folder that cannot be written", async () => {
    const file = join(dataDir, "file");
    writeFileSync(file, "");
    const error = await fetchDataset({ name: "some", downloads: [item()] }, join(file, "below")).catch((e) => e);
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/cannot write .*file.below/);
  });
});
