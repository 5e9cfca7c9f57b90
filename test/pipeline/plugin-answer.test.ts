import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readAnswer } from "../../src/pipeline/plugin/answer.ts";
import { temporaryFolder } from "../store/temp.ts";

const LAYERS = [
  { name: "conv1", width: 3 },
  { name: "conv2", width: 17 },
];
const SCORES = { conv1: [3, 1, 2], conv2: Array.from({ length: 17 }, () => 0) };

function read(answer: unknown) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "out"));
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  writeFileSync(join(folder, "out", "scores.json"), text);
  return readAnswer(folder, LAYERS);
}

it("takes raw for scores and the 5 % with the highest scores for native where they are left out", () => {
  expect(read({ scores: SCORES })).toEqual({ raw: SCORES, scores: SCORES, native: { conv1: [0] }, note: undefined });
  const raw = { ...SCORES, conv1: [7, 7, 7] };
  const native = ["conv2:16", "conv1:1", "conv2:3", "conv2:3"];
  expect(read({ scores: SCORES, raw, native, note: "n" })).toEqual({
    ...{ raw, scores: SCORES, note: "n" },
    native: { conv1: [1], conv2: [3, 16] },
  });
  expect(read({ scores: SCORES, native: [] }).native).toEqual({});
});

it.each<[unknown, string]>([
  [{ scores: { ...SCORES, conv1: [null, 0, 0] } }, "'scores.conv1.0': Invalid input: expected number"],
  [JSON.stringify({ scores: SCORES }).replace("[3,", "[1e999,"), "'scores.conv1.0': Invalid input"],
  [JSON.stringify({ scores: SCORES }).replace("[3,", "[-Infinity,"), "it has a bare Infinity"],
  [{ scores: { conv1: [1, 2, 3] } }, "'scores': layer 'conv2' is missing"],
  [{ scores: SCORES, raw: { ...SCORES, conv1: [1, 2, 3, 4] } }, "'raw': layer 'conv1' has 4 numbers, not 3"],
  [{ scores: SCORES, native: ["conv1:3"] }, "'native': the network has no neuron 'conv1:3'"],
  [{ scores: SCORES, native: ["fc:0"] }, "'native': the network has no neuron 'fc:0'"],
  [{ scores: SCORES, native: ["conv1"] }, "bad neuron 'conv1'"],
  [{ scores: SCORES, threshold: 3 }, 'Unrecognized key: "threshold"'],
  [{ scores: SCORES, note: 5 }, "'note': "],
  [{ score: SCORES }, "'scores': "],
  [[1, 2], "expected object"],
  ["", "is not JSON"],
])("refuses %j", (answer, fault) => {
  expect(() => read(answer)).toThrow(fault);
});
