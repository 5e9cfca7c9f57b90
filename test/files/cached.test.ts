import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cachedBytes } from "../../src/files/cached.ts";
import { temporaryFolder } from "../store/temp.ts";

const BYTES = Uint8Array.of(1, 2, 3, 4, 5);

describe("cachedBytes", () => {
  /** How often the bytes are made when they are asked for in a folder. */
  function makes(folder: string | null, length = BYTES.length): number {
    let count = 0;
    const bytes = cachedBytes(folder, "x.u8", length, () => {
      count++;
      return BYTES;
    });
    expect([...bytes]).toEqual([...BYTES]);
    return count;
  }

  it("makes them once, and nothing stays beside them", () => {
    const folder = join(temporaryFolder(), "a", "b");
    expect([makes(folder), makes(folder)]).toEqual([1, 0]);
    expect(readdirSync(folder)).toEqual(["x.u8"]);
    expect([makes(null), makes(null)]).toEqual([1, 1]);
  });

  it("makes them again where the file is cut, changed, of another length or a folder", () => {
    const folder = temporaryFolder();
    const path = join(folder, "x.u8");
    makes(folder);
    truncateSync(path, 20);
    expect([makes(folder), makes(folder)]).toEqual([1, 0]);
    const bytes = readFileSync(path);
    bytes[4]++;
    writeFileSync(path, bytes);
    expect([makes(folder), makes(folder)]).toEqual([1, 0]);
    expect(makes(folder, 4)).toBe(1);
    const other = temporaryFolder();
    mkdirSync(join(other, "x.u8"));
    expect(makes(other)).toBe(1);
    expect(readdirSync(other)).toEqual(["x.u8"]);
  });

  it("does not write through a link", () => {
    const folder = temporaryFolder();
    const target = join(temporaryFolder(), "theirs");
    writeFileSync(target, "theirs");
    symlinkSync(target, join(folder, "x.u8"));
    expect(makes(folder)).toBe(1);
    expect(readFileSync(target, "utf8")).toBe("theirs");
  });

  it("makes them each time where nothing can be written", () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    expect([makes(join(file, "below")), makes(join(file, "below"))]).toEqual([1, 1]);
  });
});
