import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
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

  it("joins pruned weights, in the original's own type and place", async () => {
    const file = join(dir, "pruned.pt");
    const half = { type: "HalfStorage" };
    const value = dict(
      [text("a.bias"), tensor("2", [1])],
      [text("a.weight_orig"), tensor("0", [1, 1, 2, 2], half)],
      [text("a.weight_mask"), tensor("1", [1, 1, 2, 2])],
      [text("b.weight_orig"), tensor("1", [1, 1, 2, 2])],
      [text("b.weight_mask"), tensor("1", [4])],
    );
    const storages = {
      0: new Uint8Array(Uint16Array.of(0x3c00, 0xbc00, 0x4000, 0x4200).buffer),
      1: new Uint8Array(Float32Array.of(1, 0, 1, 0.5).buffer),
      2: new Uint8Array(4),
    };
    writeFileSync(file, torchZip(pickle(value), storages));
    const { tensors, notes, split } = await readWeights(file);
    expect([...tensors.keys()]).toEqual(["a.bias", "a.weight", "b.weight_orig", "b.weight_mask"]);
    const { dtype, bytes } = tensors.get("a.weight")!;
    expect([dtype, ...new Uint16Array(bytes.buffer, bytes.byteOffset, 4)]).toEqual([
      "F16",
      0x3c00,
      0x8000,
      0x4000,
      0x3e00,
    ]);
    expect(notes).toEqual([`${file}: pruned weights joined as weight_orig × weight_mask: 1`]);
    expect(split).toMatch(
      /^keeps weights in parts by prune, without their masks \('b\.weight_orig'\): call .*prune\.remove/,
    );
  });

  it.each([
    [["weight_g", "weight_v"], /parts by weight_norm \('c\.weight_g'\): call torch\.nn\.utils\.remove_weight_norm/],
    [["weight_orig", "weight_u"], /parts by spectral_norm .* call torch\.nn\.utils\.remove_spectral_norm/],
    [["parametrizations.weight.original0", "parametrizations.weight.original1"], /remove_parametrizations\(module, /],
    [["parametrizations.weight.original"], /remove_parametrizations\(module, "weight"\) on each such module/],
  ])("in parts otherwise (%j) is refused with the mend", async (parts, line) => {
    await read(undefined, dict(...parts.map((part): [number[], number[]] => [text(`c.${part}`), filters()])));
    const file = join(dir, "model.pt");
    const weights = await readWeights(file);
    expect(() => recogniseWeights(file, weights)).toThrow(InputError);
    expect(() => recogniseWeights(file, weights)).toThrow(line);
  });

  it("is none where its tensors are of complex numbers", async () => {
    const complex = tensor("0", [1, 1, 1, 2], { type: "ComplexFloatStorage" });
    await expect(taken(dict([text("conv1.weight"), complex], [text("n"), tensor("0", [4])]))).rejects.toThrow(
      /model\.pt: holds no weights that are read, but tensors of complex numbers \(torch\.ComplexFloatStorage\): save floats$/,
    );
  });

  it("is none where an optimizer's is all there is", async () => {
    await expect(taken(dict([int(0), dict([text("exp_avg"), filters()])]))).rejects.toThrow(/holds no state dict/);
  });
});
