import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { recogniseWeights } from "../../src/store/foreign/recognised.ts";
import { readWeights } from "../../src/store/foreign/weights.ts";
import { dict, global, int, list, P, pickle, tensor, text } from "../tensor/pickle-bytes.ts";
import { temporaryFolder } from "./temp.ts";
import { torchZip } from "./torch-zip.ts";

const dir = temporaryFolder();
const filters = () => tensor("0", [1, 1, 2, 2]);
const weights = (name = "conv1.weight") => dict([text(name), filters()]);

async function taken(...value: number[][]) {
  const { names, notes } = await read(undefined, ...value);
  return [names, notes];
}

async function read(key: string | undefined, ...value: number[][]) {
  const file = join(dir, "model.pt");
  writeFileSync(file, torchZip(pickle(...value), { 0: new Uint8Array(16) }));
  const { tensors, notes, name, part } = await readWeights(file, key);
  return { names: [...tensors.keys()], notes: notes.map((note) => note.slice(file.length + 2)), name, part };
}

describe("the state dict of a checkpoint", () => {
  it.each<[string, number[], string]>([
    [
      "an optimizer's momentum",
      dict(
        [text("model_state_dict"), weights()],
        [
          text("optimizer_state_dict"),
          dict([text("state"), dict([int(0), dict([text("momentum_buffer"), filters()])])]),
        ],
      ),
      "'model_state_dict' was taken",
    ],
    [
      "an optimizer's averages in a list",
      list(weights(), dict([text("state"), dict([int(3), dict([text("exp_avg"), filters()])])])),
      "'0' was taken",
    ],
    [
      "a trigger and its mask",
      dict([text("trigger"), filters()], [text("net"), weights()], [text("mask"), filters()]),
      "'net' was taken",
    ],
    [
      "masks under the weights' names",
      dict([text("net"), weights()], [text("masks"), weights()]),
      "'net' was taken; --key takes another: masks",
    ],
  ])("is found beside %s", async (_, value, note) => {
    expect(await taken(value)).toEqual([["conv1.weight"], [note]]);
  });

  it("may be the file itself, with numbers beside the weights, or weights in two parts", async () => {
    expect(await taken(dict([text("conv1.weight"), filters()], [text("epoch"), int(3)]))).toEqual([
      ["conv1.weight"],
      [],
    ]);
    expect(await taken(weights("conv1.weight_orig"))).toEqual([["conv1.weight_orig"], []]);
  });

  it("is chosen by a key that leads to it, into it, or to the only names that begin so", async () => {
    const both = dict([text("model.conv1.weight"), filters()], [text("ema.conv1.weight"), filters()]);
    const inside = dict([text("state_dict"), both]);
    expect(await read("ema", both)).toMatchObject({ name: "", part: "ema." });
    expect(await read("state_dict.ema", inside)).toMatchObject({ name: "state_dict", part: "ema." });
    expect(await read("ema", inside)).toMatchObject({ name: "state_dict", part: "ema." });
    await expect(read("em", inside)).rejects.toThrow(/^--key em: .*model\.pt holds state_dict$/);
    await expect(read("em", both)).rejects.toThrow(/^--key em: .*model\.pt holds one, whose names do not begin so$/);
    const two = dict([text("a"), weights("net.conv1.weight")], [text("b"), weights("net.conv1.weight")]);
    await expect(read("net", two)).rejects.toThrow(/^--key net: .*model\.pt holds a, b$/);
  });

  it("that fits nothing is told with what was left aside, which may be what is lacking", async () => {
    const sparse = [...global("torch._utils", "_rebuild_sparse_tensor"), ...P.emptyTuple, ...P.reduce];
    await read(undefined, dict([text("conv1.weight"), filters()], [text("linear.weight"), sparse]));
    const file = join(dir, "model.pt");
    expect(recogniseWeights(file, await readWeights(file))).toMatch(
      /model\.pt: fits no architecture; the nearest is .*; left aside, since it is neither .*: torch\._utils\._rebuild_sparse_tensor$/,
    );
  });

  it("is none where an optimizer's is all there is", async () => {
    await expect(taken(dict([int(0), dict([text("exp_avg"), filters()])]))).rejects.toThrow(/holds no state dict/);
  });
});
