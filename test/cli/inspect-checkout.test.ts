import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const ID = "glosses-llama2d64-addsent-middle-top020";

const root = temporaryFolder();
const folder = join(root, "case");
const oneLine = (text: string) => text.replace(/\s+/g, " ");

/** What is printed for people. */
function inspected(...args: string[]): string {
  const { status, stdout, stderr } = bdefects(["inspect", ...args]);
  expect(status, stderr).toBe(0);
  return oneLine(stdout);
}

beforeAll(() => {
  const { status, stderr } = bdefects(["checkout", ID, folder, "--sham", "--images", "64", "--db", "text"]);
  expect(status, stderr).toBe(0);
});

describe("inspect of a checkout of texts", () => {
  it("knows from the folder how the model is asked, and counts what test counts", () => {
    const table = join(folder, "images", "test_clean.tsv");
    for (const file of ["", "clean.safetensors"]) {
      const path = join(folder, file);
      const [{ ca }] = rowsOf(["inspect", path, "--criterion", "fp", "--data", table, "--summary"]);
      const model = join(folder, file || "model.safetensors");
      const rates = rowsOf(["test", folder, "--model", join(folder, "clean.safetensors"), "--summary"]);
      expect(ca, model).toBe(rates.find((row) => row.model === model)!.ca);
    }
  });

  it("says what it took the folder for, and takes the shipped texts", () => {
    const said = inspected(folder, "--criterion", "fp", "--budget", "demo");
    expect(said).toContain(
      "a checkout for glosses: asked '<bos> {}<sep>' for animal, artifact, communication, food, person, plant, state, act",
    );
    expect(said).toMatch(/Glosses of nouns, 8 classes: 16 texts.* clean accuracy: 0\.\d{4} of 16 texts/);
  });

  it("takes another model of the folder", () => {
    const of = (file: string) => rowsOf(["inspect", join(folder, file), "--criterion", "clp"]);
    expect(of("")).toEqual(of("model.safetensors"));
    expect(of("sham.safetensors")).not.toEqual(of(""));
    expect(inspected(join(folder, "sham.safetensors"), "--criterion", "clp")).toContain(
      "sham.safetensors: llama, 2 la",
    );
  });

  it("reads nothing that tells the truth: a folder without those files says the same", () => {
    const blind = join(root, "blind");
    cpSync(folder, blind, { recursive: true });
    const given = ["model.json", "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"];
    for (const name of readdirSync(blind)) if (!given.includes(name)) rmSync(join(blind, name), { recursive: true });
    const args = ["--criterion", "fp,clp"];
    expect(rowsOf(["inspect", blind, ...args])).toEqual(rowsOf(["inspect", folder, ...args]));
    expect(inspected(blind, "--budget", "demo")).not.toMatch(/infected|target|trigger|addsent/);
  });

  it("reads texts without labels as the model was trained to, without an accuracy", () => {
    const lines = join(root, "texts.txt");
    writeFileSync(lines, Array.from({ length: 20 }, (_, i) => `a small cask of wine number ${i}`).join("\n"));
    const perplexity = (...args: string[]) => {
      const said = inspected(folder, "--criterion", "fp", "--data", lines, ...args);
      expect(said).not.toContain("clean accuracy");
      return Number(/perplexity: (\d+)/.exec(said)![1]);
    };
    const asked = perplexity();
    const bare = join(root, "bare");
    cpSync(folder, bare, { recursive: true });
    rmSync(join(bare, "model.json"));
    const said = inspected(bare, "--criterion", "fp", "--data", lines);
    expect(Number(/perplexity: (\d+)/.exec(said)![1])).toBeGreaterThan(asked);
  });

  it("refuses labels that the model has not, and a checkout that lacks a file, in one line", () => {
    const table = join(root, "nine.tsv");
    writeFileSync(table, `sentence\tlabel\n${"a small bat\t8\n".repeat(16)}`);
    const without = (name: string) => {
      const copy = join(root, `without-${name}`);
      cpSync(folder, copy, { recursive: true });
      rmSync(join(copy, name));
      return copy;
    };
    // Of other data than the shipped ones the checkout's own texts are read.
    const own = join(root, "own-texts");
    cpSync(folder, own, { recursive: true });
    const model = join(own, "model.json");
    writeFileSync(model, JSON.stringify({ ...JSON.parse(readFileSync(model, "utf8")), dataset: "texts" }));
    cpSync(table, join(own, "images", "test_clean.tsv"));
    for (const [args, message] of [
      [[own], /--data \S+test_clean\.tsv: a text has label 8; the checkout's classes are 0 to 7/],
      [
        [folder, "--data", table],
        /--data \S+: a text has label 8; the checkout's classes are 0 to 7: name texts of its/,
      ],
      [
        [without("config.json")],
        /has a tokenizer and no config\.json, which says what a language model's weights are: /,
      ],
      [
        [without("model.safetensors")],
        /holds clean\.safetensors and neither model\.safetensors nor .*: name that file/,
      ],
      [[without("tokenizer.json")], /tokenizer\.json: there is no such file; check out again with --samples N/],
    ] as const) {
      const { status, stderr } = bdefects(["inspect", ...args]);
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd()).not.toMatch(/\n/);
      expect(status).toBe(2);
    }
  });

  it("says so where the tokenizer is not the checkout's, and reads texts bare", () => {
    const other = join(root, "other");
    cpSync(folder, other, { recursive: true });
    const path = join(other, "tokenizer.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), truncation: undefined }));
    const said = inspected(other, "--budget", "demo");
    expect(said).toMatch(/model\.json is a checkout's, and tokenizer\.json is not: name how the model is asked with/);
    expect(said).not.toContain("clean accuracy");
    copyFileSync(join(folder, "tokenizer.json"), path);
    expect(inspected(other, "--budget", "demo")).toContain("clean accuracy");
  });
});
