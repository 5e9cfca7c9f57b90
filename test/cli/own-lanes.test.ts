import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ufld18 } from "../../src/tasks/lanes/models/ufld18.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects } from "./program.ts";

const [LAYER, CHANNEL] = ["model.layer4.1.conv2", 3];
const folder = temporaryFolder();

/** A released checkpoint as training on several processors leaves it, one filter ten times as large. */
function released(name: string, change: (state: StateDict) => void = () => undefined): string {
  const state = randomState(ufld18(4), 1);
  const { shape, data } = state.get(`${LAYER}.weight`)!;
  const filter = data.length / shape[0];
  for (let i = CHANNEL * filter; i < (CHANNEL + 1) * filter; i++) data[i] *= 10;
  change(state);
  const wrapped: StateDict = new Map([...state].map(([key, tensor]) => [`module.${key}`, tensor]));
  wrapped.set("module.aux_header2.0.weight", { shape: [1], data: new Float32Array(1) });
  const file = join(folder, name);
  writeFileSync(file, encodeState(wrapped));
  return file;
}

it("inspect reads a released checkpoint of lanes by its weights, under the file's own names", () => {
  const { status, stdout, stderr } = bdefects(["inspect", released("lanes.safetensors"), "--format", "json"]);
  expect(status).toBe(0);
  expect(stderr).toMatch(/ufld18w4, of task lanes/);
  const [first] = JSON.parse(stdout);
  expect(first).toMatchObject({ criterion: "clp", neuron: `module.${LAYER}:${CHANNEL}`, rank: 1, native: true });
});

it("inspect prints no counts of classifiers beside a network of lanes", () => {
  const { stdout } = bdefects(["inspect", released("lanes.safetensors")]);
  expect(stdout).not.toMatch(/shams|infected/i);
  expect(stdout.replace(/\s+/g, " ")).toMatch(/no reference says yet what is usual of such models/);
});

it.each<[string, string[], (state: StateDict) => void, RegExp]>([
  ["frames", ["--data", "cifar10"], () => undefined, /frames of it are not read; leave --data out/],
  [
    "a criterion that needs frames",
    ["--criterion", "nc"],
    () => undefined,
    /--criterion nc: needs clean frames; frames are not read beside a file of task lanes; leave --criterion out/,
  ],
  ["a missing tensor", [], (state) => state.delete("cls.0.bias"), /lacks 'module\.cls\.0\.bias' of ufld18w4/],
  ["NaN", [], (state) => state.get("pool.bias")!.data.fill(Number.NaN), /'module\.pool\.bias' holds NaN at index 0/],
])("inspect refuses %s", (_, options, change, words) => {
  const { status, stderr } = bdefects(["inspect", released("wrong.safetensors", change), ...options]);
  expect([status, stderr.trim().split("\n").length]).toEqual([2, 1]);
  expect(stderr).toMatch(words);
});
