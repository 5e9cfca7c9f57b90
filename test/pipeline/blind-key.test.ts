import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderName, keyText, readKey } from "../../src/pipeline/handout/key.ts";
import type { KeyEntry } from "../../src/records/blind-key.ts";
import { temporaryFolder } from "../store/temp.ts";

const SECRET = "5".repeat(64);
const entry = (digit: string, version: KeyEntry["version"]): KeyEntry => {
  const model_sha256 = digit.repeat(64);
  return { name: folderName(SECRET, model_sha256), id: "signs-resnet18w4-badnets-small-top000", version, model_sha256 };
};

/** A key file with its values changed. */
function keyWith(change: (key: { secret: string; models: KeyEntry[] }) => unknown): string {
  const key = JSON.parse(keyText(SECRET, [entry("a", "infected"), entry("b", "sham")]));
  change(key);
  const path = join(temporaryFolder(), "x.key.json");
  writeFileSync(path, JSON.stringify(key));
  return path;
}

describe("the key of a blind hand-out", () => {
  it("is read as it was written", () => {
    expect(readKey(keyWith(() => undefined)).models).toHaveLength(2);
  });

  it.each<[string, Parameters<typeof keyWith>[0], RegExp]>([
    ["another secret", (key) => Object.assign(key, { secret: "x" }), /its secret does not give model-/],
    ["models exchanged", ({ models: [a, b] }) => Object.assign(a, { model_sha256: b.model_sha256 }), /does not give/],
    ["names exchanged", ({ models: [a, b] }) => ([a.name, b.name] = [b.name, a.name]), /does not give/],
    ["a model twice", ({ models }) => models.push(models[0]), /stands there twice/],
    ["no model", (key) => Object.assign(key, { models: [] }), /'models'/],
    ["a version that is none", ({ models }) => Object.assign(models[0], { version: "best" }), /'models.0.version'/],
    ["a name that leads elsewhere", ({ models }) => Object.assign(models[0], { name: "../x" }), /'models.0.name'/],
  ])("is refused with %s", (_, change, fault) => {
    const path = keyWith(change);
    expect(() => readKey(path)).toThrow(fault);
  });
});
