import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { asInputError, createAtomic, exists, withPath, writeAtomic } from "../../src/store/disk/fs.ts";
import { temporaryFolder } from "./temp.ts";

const dir = temporaryFolder();
const tmp = join(dir, "tmp");

describe("file system", () => {
  it.each([
    ["ENOSPC", /disk is full/],
    ["EDQUOT", /quota/],
    ["EROFS", /read-only/],
    ["EACCES", /permission/],
    ["ENOTDIR", /not a folder/],
  ])("says what to do about %s", (code, mend) => {
    const error = asInputError(Object.assign(new Error("x"), { code }), "/db/objects");
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(mend);
    expect((error as Error).message).toMatch(/^\/db\/objects: /);
  });

  it("leaves other errors alone", () => {
    const fault = new TypeError("bug");
    expect(asInputError(fault, "p")).toBe(fault);
  });

  it.skipIf(process.platform !== "linux")("reports a full device and an unwritable file system", () => {
    expect(() => withPath("/dev/full", () => writeFileSync("/dev/full", "x"))).toThrow(/\/dev\/full: the disk is full/);
    expect(() => writeAtomic("/proc/x/y", "x", "/proc/x/tmp")).toThrow(InputError);
  });

  it("writes whole files and leaves nothing behind", () => {
    const path = join(dir, "deep", "er", "file");
    writeAtomic(path, "one", tmp);
    writeAtomic(path, "two", tmp);
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(readdirSync(tmp)).toEqual([]);
  });

  it("keeps the old file when writing fails", () => {
    const path = join(dir, "kept");
    writeAtomic(path, "old", tmp);
    writeFileSync(join(dir, "afile"), "");
    expect(() => writeAtomic(path, "new", join(dir, "afile", "tmp"))).toThrow(InputError);
    mkdirSync(join(dir, "folder"));
    expect(() => writeAtomic(join(dir, "folder"), "new", tmp)).toThrow(InputError);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(tmp)).toEqual([]);
  });

  it("creates a file once", () => {
    const path = join(dir, "once");
    expect(createAtomic(path, "first", tmp)).toBe(true);
    expect(createAtomic(path, "second", tmp)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("first");
    expect(exists(path)).toBe(true);
    expect(exists(join(path, "below"))).toBe(false);
  });
});
