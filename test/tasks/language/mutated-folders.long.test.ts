import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { Random } from "../../../src/core/random.ts";
import { foreign } from "../../../src/tasks/language/checkpoint/foreign.ts";
import { randomState } from "../../graph/programs.ts";
import { temporaryFolder } from "../../store/temp.ts";
import { CONFIGS, NETWORKS, writeFolder } from "./hugging-face.ts";

const root = temporaryFolder();
const folder = writeFolder(join(root, "whole"), {
  config: CONFIGS.llama,
  state: randomState(NETWORKS.llama, 1),
  dtype: "BF16",
  shards: 2,
});
const ROUNDS = 150;

/** What JSON may hold in place of what it should. */
const STRANGE = [null, true, -1, 0, 1e300, "", "x".repeat(5000), [], {}, [[[]]], { a: [1] }, "__proto__"];

/** Changes some bytes, cuts the file, or repeats a part of it. */
function mutate(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  const at = random.below(Math.min(changed.length, 6000));
  switch (random.below(3)) {
    case 0:
      for (let i = 0; i < 3; i++) changed[random.below(Math.min(changed.length, 6000))] = random.below(256);
      return changed;
    case 1:
      return changed.subarray(0, at);
    default:
      return Buffer.concat([changed.subarray(0, at), changed.subarray(Math.floor(at / 2))]);
  }
}

/** Puts something strange in some place of a JSON file. */
function estrange(bytes: Buffer, random: Random): Buffer {
  const value = JSON.parse(bytes.toString("utf8"));
  let place = value;
  for (;;) {
    const keys = Object.keys(place);
    if (keys.length === 0) return bytes;
    const key = keys[random.below(keys.length)];
    const inner = place[key];
    if (typeof inner === "object" && inner !== null && Object.keys(inner).length > 0 && random.below(3) > 0)
      place = inner;
    else {
      place[key] = STRANGE[random.below(STRANGE.length)];
      return Buffer.from(JSON.stringify(value));
    }
  }
}

const names = readdirSync(folder);
const cases = names.flatMap((name) => [
  [name, "changed, cut or repeated", mutate] as const,
  ...(name.endsWith(".json") ? [[name, "with something strange in it", estrange] as const] : []),
]);

describe("whatever a folder holds, it is read or refused in one line", () => {
  it.each(cases)("%s %s", async (name, _, change) => {
    const random = new Random(names.indexOf(name) + 1);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const path = join(root, "mutated");
      mkdirSync(path, { recursive: true });
      for (const other of names) if (other !== name) copyFileSync(join(folder, other), join(path, other));
      writeFileSync(join(path, name), change(readFileSync(join(folder, name)), random));
      try {
        const model = foreign.open(path);
        for (const { state } of model.parts()) expect(state.size).toBeGreaterThan(0);
        model.samples(undefined, { dataDir: root, seed: 1, most: 20 });
      } catch (error) {
        if (!(error instanceof InputError)) throw new Error(`round ${round}: ${(error as Error).stack}`);
        expect(error.message).not.toContain("\n");
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});
