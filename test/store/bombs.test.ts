import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { unpack } from "../../src/datasets/fetch/unpack.ts";
import { parseBoundedJson } from "../../src/store/disk/bounded-json.ts";
import { checksummedJson } from "../../src/store/disk/json.ts";
import { decodeContainer } from "../../src/store/objects/container.ts";
import { stageExport } from "../../src/store/transfer/stage.ts";
import { bdefects } from "../cli/program.ts";
import { type Item, tarOf } from "../datasets/archives.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "./temp.ts";

const root = temporaryFolder();
const ZEROS = gzipSync(Buffer.alloc(40 << 20));

function fileOf(bytes: Uint8Array, name = "x.tar.gz"): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

/** One line that names the file, and nothing staged. */
async function refused(path: string, message: RegExp): Promise<void> {
  const stage = join(root, "stage");
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage);
  const error = await stageExport(path, stage).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toContain(path);
  expect(readdirSync(stage)).toEqual([]);
}

let manifest: Item;
beforeAll(() => {
  const value = {
    format: "bdefects4nn-export",
    format_version: 1,
    package_version: "0",
    edition: "x",
    seed: 1,
    data: {},
    defects: [],
    clean: [],
    files: [],
  };
  manifest = { path: "export.json", data: Buffer.from(checksummedJson(value)) };
});

describe("an archive that import is given", () => {
  it.each([
    ["zeros in 40 kB", () => ZEROS, /begins with zeros/],
    ["zeros compressed twice", () => gzipSync(ZEROS), /compressed twice/],
    ["nothing", () => Buffer.alloc(0), /it is empty/],
    ["zip", () => Buffer.from("PK\x03\x04rest"), /it is a zip archive/],
    ["xz", () => Buffer.from("fd377a585a000004", "hex"), /compressed by xz/],
    ["a web page", () => Buffer.from("<!DOCTYPE html><title>404</title>"), /a web page/],
    ["a pointer of Git LFS", () => Buffer.from("version https://git-lfs.github.com/spec/v1\n"), /git lfs pull/],
    [
      "noise",
      () => gzipSync(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) & 255))),
      /no whole tar\.gz/,
    ],
    [
      "a manifest, then zeros without end",
      () => gzipSync(Buffer.concat([tarOf([manifest]), Buffer.alloc(40 << 20)])),
      /goes on after/,
    ],
    [
      "a manifest without end",
      () => gzipSync(tarOf([{ path: "export.json", data: Buffer.alloc(40 << 20, 0x20) }])),
      /goes on after|checksum/,
    ],
    [
      "thousands of entries",
      () =>
        gzipSync(
          tarOf([
            manifest,
            ...Array.from({ length: 20_000 }, (_, i) => ({ path: `objects/${i}`, data: Buffer.alloc(1) })),
          ]),
        ),
      /does not list|goes on/,
    ],
    ["a header that claims terabytes", () => gzipSync(claiming(2 ** 40)), /too large|no whole/],
    ["a name of a megabyte", () => gzipSync(withLongName(1 << 20)), /no whole|name|begins with|goes on|no export/],
  ])("%s ends in one line", async (_, make, message) => {
    await refused(fileOf(make()), message);
  });

  it("is read no further than a fault, by the command line too", () => {
    const { status, stderr } = bdefects(["import", fileOf(ZEROS), "--db", join(root, "db")]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: \S+x\.tar\.gz: is no tar\.gz archive: it begins with zeros; name an export, or fetch or copy it anew\n$/,
      ),
    ]);
    expect(readdirSync(root)).not.toContain("db");
  });
});

describe("an archive of a data set", () => {
  longIt("that unpacks to far more than its size is stopped", async () => {
    const folder = temporaryFolder();
    const bomb = fileOf(gzipSync(tarOf([{ path: "a", data: Buffer.alloc(300 << 20) }]), { level: 1 }));
    await expect(unpack("tar.gz", bomb, folder, "set.tar.gz")).rejects.toThrow(/set\.tar\.gz: it goes on after/);
    const long = fileOf(gzipSync(tarOf([{ path: `${"d/".repeat(60)}x`, data: Buffer.alloc(1) }])));
    await unpack("tar.gz", long, folder, "set.tar.gz");
    await expect(unpack("tar.gz", fileOf(ZEROS), folder, "set.tar.gz")).rejects.toThrow(/cannot unpack set\.tar\.gz/);
  });
});

describe("an object", () => {
  const container = (payload: Buffer, length: number) => {
    const head = Buffer.alloc(16);
    head.write("BDOB", 0, "latin1");
    head[4] = 1;
    head[6] = 1;
    head.writeBigUInt64LE(BigInt(length), 8);
    return Buffer.concat([head, payload]);
  };

  it("that claims to decode to far more than weights can is refused before anything is allocated", async () => {
    const packed = deflateRawSync(Buffer.alloc(1 << 20));
    await expect(decodeContainer(container(packed, 2 ** 27), "o")).rejects.toThrow(
      /^o: claims to decode to 134217728 bytes/,
    );
    await expect(decodeContainer(container(Buffer.alloc(1_500_000), 1.5e9), "o")).rejects.toThrow(/claims to decode/);
    expect((await decodeContainer(container(packed, 1 << 20), "o")).bytes).toHaveLength(1 << 20);
    await expect(decodeContainer(container(packed, 1 << 19), "o")).rejects.toThrow(/does not decompress/);
  });
});

describe("JSON from outside", () => {
  const parse = (text: string | Buffer) => parseBoundedJson(Buffer.from(text as string), "record.json");

  it.each([
    ["arrays without end", `{"a":${"[".repeat(200_000)}`, /nested more than 64 levels/],
    ["objects without end", `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`, /nested more than 64 levels/],
    ["a prototype", '{"a":{"__proto__":{"x":1}}}', /field '__proto__'/],
    ["a prototype by escapes", '{"\\u005f_proto__":1}', /field '__proto__'/],
    ["a constructor", '[{"constructor":1}]', /no object/],
    ["a constructor within", '{"a":[{"constructor":1}]}', /field 'constructor'/],
    ["a byte order mark alone", "\ufeff", /is not JSON/],
    ["what is no UTF-8", Buffer.from('{"a":"\xff"}', "latin1"), /is not JSON/],
    ["null", "null", /no object/],
    ["a list", "[]", /no object/],
    ["two values", "{}{}", /is not JSON/],
  ])("%s ends in one line", (_, text, message) => {
    expect(() => parse(text)).toThrow(InputError);
    expect(() => parse(text)).toThrow(/^record\.json: /);
    expect(() => parse(text)).toThrow(message);
  });

  it("is never anything but an object or one line", () => {
    const names = fc.constantFrom("a", "__proto__", "constructor", "toString", "", "\u0000", "\u202e");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom("1e999", "-0", "true", "null", '"x"', '"\\ud800"', "NaN"),
        tie("list"),
        tie("object"),
      ),
      list: fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
      object: fc
        .array(fc.tuple(names, tie("value")), { maxLength: 3 })
        .map((fields) => `{${fields.map(([name, part]) => `${JSON.stringify(name)}:${part}`).join()}}`),
    }));
    fc.assert(
      fc.property(value, (text) => {
        try {
          expect(typeof parse(String(text))).toBe("object");
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** A manifest's header with another size. */
function claiming(bytes: number): Buffer {
  const tar = Buffer.from(tarOf([manifest]));
  tar.write(`${bytes.toString(8).padStart(11, "0")}`.slice(-11), 124, "latin1");
  if (bytes >= 8 ** 11) {
    tar.fill(0, 124, 136);
    tar[124] = 0x80;
    tar.writeBigUInt64BE(BigInt(bytes), 128);
  }
  let sum = 8 * 32;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += tar[i];
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return tar;
}

/** GNU's header of a long name, with a name of so many bytes. */
function withLongName(bytes: number): Buffer {
  const long = tarOf([{ path: "././@LongLink", data: Buffer.alloc(bytes, 0x61) }]);
  long.write("L", 156, "latin1");
  let sum = 8 * 32;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += long[i];
  long.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([long.subarray(0, long.length - 1024), tarOf([manifest])]);
}
