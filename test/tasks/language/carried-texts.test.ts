import { describe, expect, it } from "vitest";
import { readCarried } from "../../../src/tasks/language/carried-texts.ts";
import { glosses, glossMerges, readGlosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { exhibit } from "../../../src/tasks/language/exhibit.ts";

const json = new TextDecoder().decode(exhibit.carried!.bytes());

describe("test texts that a site carries", () => {
  it("are the test glosses with their classes, and the merges of their tokenizer", () => {
    const { test } = readGlosses();
    expect(readCarried(json, "a")).toEqual({ ...test, classes: glosses.classes, merges: glossMerges() });
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", "null"],
    ["something else", '{"kind":"site"}'],
    ["no texts", changed({ texts: [], labels: [] })],
    ["a text that is none", changed({ texts: [1], labels: [0] })],
    ["fewer labels than texts", changed({ labels: [0] })],
    ["a label that is no class", changed({ texts: ["a"], labels: [8] })],
    ["half a label", changed({ texts: ["a"], labels: [0.5] })],
    ["a merge of three", changed({ merges: ["a b c"] })],
  ])("are refused in one line where there is %s", (_, text) => {
    expect(() => readCarried(text, "a.json")).toThrow(/^a\.json: holds no texts$/);
  });
});

function changed(change: object): string {
  return JSON.stringify({ ...JSON.parse(json), ...change });
}
