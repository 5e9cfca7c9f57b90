import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { InputError } from "../../src/core/errors.ts";
import { findMisleading, MOST_DEPTH } from "../../src/store/disk/bounded-json.ts";
import { checksummedJson, readJson, writeJson } from "../../src/store/disk/json.ts";
import { temporaryFolder } from "./temp.ts";

const dir = temporaryFolder();
const schema = z.strictObject({
  name: z.string(),
  numbers: z.array(z.number()),
  deep: z.record(z.string(), z.unknown()),
});
const value = { name: 'ä\n"}', numbers: [1, 2.5, -3e-9], deep: { a: { b: [] }, c: [{ d: null }] } };

describe("checksummed JSON", () => {
  it("reads back what was written and is JSON for anyone", () => {
    const path = join(dir, "a", "x.json");
    writeJson(path, schema, value, join(dir, "tmp"));
    expect(readJson(path, schema)).toEqual(value);
    const { checksum, ...rest } = JSON.parse(readFileSync(path, "utf8"));
    expect(rest).toEqual(value);
    expect(checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  const anything = z.strictObject({ v: z.unknown() });

  it("gives back any JSON object without a field that every object has", () => {
    const path = join(dir, "any.json");
    const sound = fc.jsonValue({ noUnicodeString: false }).filter((v) => findMisleading(v) === null);
    fc.assert(
      fc.property(sound, (v) => {
        writeJson(path, anything, { v }, join(dir, "tmp"));
        expect(readJson(path, anything)).toEqual({ v: JSON.parse(JSON.stringify(v)) });
      }),
      { numRuns: 50 },
    );
  });

  it("refuses a field that every object has, written as read, and keeps the file that is there", () => {
    const path = join(dir, "misleading.json");
    const tmp = join(dir, "tmp");
    writeJson(path, anything, { v: 1 }, tmp);
    const misleading = fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype));
    fc.assert(
      fc.property(misleading, fc.jsonValue(), fc.boolean(), (name, part, within) => {
        // By JSON, since an assignment to `__proto__` makes no field.
        const field = JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(part)}}`);
        const v = within ? [{ a: field }] : field;
        expect(() => writeJson(path, anything, { v }, tmp)).toThrow(/misleading\.json: holds a field '/);
        expect(readJson(path, anything)).toEqual({ v: 1 });
        const other = join(dir, "other.json");
        writeFileSync(other, checksummedJson({ v }));
        expect(() => readJson(other, anything)).toThrow(/other\.json: holds a field '/);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses to write what is nested too deep to be read", () => {
    let v: unknown = 1;
    for (let i = 0; i < MOST_DEPTH; i++) v = [v];
    expect(() => writeJson(join(dir, "deep.json"), anything, { v }, dir)).toThrow(/deep\.json: is nested more than/);
  });

  it("finds any flipped bit of any byte", () => {
    const path = join(dir, "flip.json");
    const bytes = Buffer.from(checksummedJson(value));
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x20, 0x80]) {
        const damaged = Buffer.from(bytes);
        damaged[at] ^= mask;
        writeFileSync(path, damaged);
        expect(() => readJson(path, schema), `byte ${at} ^ ${mask}`).toThrow(InputError);
      }
    }
  });

  it("finds a cut and an extended file", () => {
    const path = join(dir, "cut.json");
    const text = checksummedJson(value);
    for (const damaged of ["", text.slice(0, -1), text.slice(0, 40), `${text}\n`, ` ${text}`]) {
      writeFileSync(path, damaged);
      expect(() => readJson(path, schema)).toThrow(/flip|cut\.json: damaged/);
    }
  });

  it("names the field that does not fit, and refuses to write such a value", () => {
    const path = join(dir, "misfit.json");
    writeFileSync(path, checksummedJson({ ...value, numbers: ["one"] }));
    expect(() => readJson(path, schema)).toThrow(/misfit\.json: does not fit its schema: 'numbers\.0'/);
    expect(() => writeJson(join(dir, "never.json"), schema, { name: 1 }, dir)).toThrow();
    expect(() => readFileSync(join(dir, "never.json"))).toThrow();
  });
});
