import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { Random } from "../../src/core/random.ts";
import { neuronLayers, stateShapes } from "../../src/graph/network.ts";
import { openDatabase } from "../../src/store/database.ts";
import { importForeign } from "../../src/store/foreign/import.ts";
import { whyUnfit } from "../../src/store/foreign/model.ts";
import { listForeign, readForeign } from "../../src/store/foreign/records.ts";
import { readTorchFile } from "../../src/store/foreign/torch-file.ts";
import { readWeights } from "../../src/store/foreign/weights.ts";
import { readModel } from "../../src/store/objects/models.ts";
import { verifyDatabase } from "../../src/store/verify/verify.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { floatBytes } from "../../src/tensor/safetensors.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { zipOf } from "../datasets/archives.ts";
import { treeOf } from "../e2e/files.ts";
import { dict, float, get, global, int, list, P, pickle, put, tensor, text, tuple } from "../tensor/pickle-bytes.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { randomState } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";
import { torchZip } from "./torch-zip.ts";

const network = buildNetwork("resnet18w4", 10);
const layers = neuronLayers(network);
const CASE = "cifar10_fault/resnet18_badnet/resnet18_badnet_level_narrow_top_005";
const ID = "foreign/cifar10-resnet18-badnet-narrow-top005";

/** @param loss how many weights of a loss stand beside the network */
function modelZip(seed: number, prefix = "", has: (key: string) => boolean = () => true, loss = 0): Buffer {
  const state = randomState(network, seed);
  const storages: Record<string, Uint8Array> = {};
  const items = [...state]
    .filter(([key]) => has(key))
    .map(([key, { shape, data }], i): [number[], number[]] => {
      storages[i] = floatBytes(data);
      return [text(prefix + key), tensor(String(i), shape)];
    });
  if (loss > 0) {
    storages[9999] = new Uint8Array(4 * loss);
    items.push([text("loss.weight"), tensor("9999", [loss])]);
  }
  return torchZip(pickle(dict([text("net"), dict(...items)], [text("acc"), float(0.9)])), storages);
}

const first = layers.map(({ width }) => [width - 1, 0]);
const byName = (values: number[][], of: (value: number) => number[]) =>
  dict(...layers.map(({ name }, i): [number[], number[]] => [text(name), list(...values[i].map(of))]));

/** A folder of the layout with one case. */
function layoutOf(files: Record<string, Buffer> = {}, name = CASE): string {
  const root = temporaryFolder();
  const whole = {
    "attack_model.pt": modelZip(1),
    "poison_path.pt": torchZip(pickle(byName(first, int))),
    "infected_neuron_contribution.pt": torchZip(
      pickle(
        byName(
          layers.map((_, i) => [i, 0.5]),
          float,
        ),
      ),
    ),
    "attack_data/images.bin": Buffer.from("pixels"),
    ...files,
  };
  for (const [file, bytes] of Object.entries(whole)) {
    mkdirSync(dirname(join(root, name, file)), { recursive: true });
    writeFileSync(join(root, name, file), bytes);
  }
  return root;
}

const fresh = () => join(temporaryFolder(), "db");

async function refused(source: string, message: RegExp): Promise<void> {
  const dir = fresh();
  await expect(importForeign(dir, source)).rejects.toThrow(message);
  expect(existsSync(dir)).toBe(false);
}

describe("import --layout bdefects4nn", () => {
  it("makes records of what the layout tells, and null of what it does not", async () => {
    const source = layoutOf();
    const dir = fresh();
    expect(rowsOf(["import", source, "--layout", "bdefects4nn", "--db", dir])).toEqual([
      { id: ID, status: "added", fits: "resnet18w4", infected: 2 * layers.length },
    ]);
    const db = await openDatabase(dir, { readOnly: true });
    expect(listForeign(db)).toEqual([ID]);
    const record = readForeign(db, ID);
    expect(record).toMatchObject({ source: CASE, clean: null, sham: null, metrics: null, level: "narrow", top: 5 });
    expect(record.infected).toEqual(Object.fromEntries(layers.map(({ name, width }) => [name, [0, width - 1]])));
    // Aligned with the neurons, which the file had in another order.
    expect(record.contribution).toEqual(Object.fromEntries(layers.map(({ name }, i) => [name, [0.5, i]])));
    expect(record.told).toMatchObject([{ file: "attack_data/images.bin", bytes: 6 }]);
    const state = await readModel(db.objects, record.model);
    expect(state).toEqual(randomState(network, 1));
    expect((await verifyDatabase(db, [], true)).findings).toEqual([]);
    expect(rowsOf(["info", ID, "--db", dir])).toMatchObject([{ id: ID, infected: 2 * layers.length, metrics: null }]);
    expect(rowsOf(["ids", "--db", dir])).toMatchObject([{ id: ID, status: "foreign" }]);

    const before = treeOf(join(dir, "foreign"));
    expect(await importForeign(dir, source)).toMatchObject([{ status: "known" }]);
    expect(treeOf(join(dir, "foreign"))).toEqual(before);
    await expect(importForeign(dir, layoutOf({ "attack_model.pt": modelZip(2) }))).rejects.toThrow(/other content/);

    const path = db.objects.path(record.model.object);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
    expect(bdefects(["verify", "--all", "--db", dir])).toMatchObject({ status: 1 });
  });

  it("understands one list per layer, tensors, and models of several devices; else keeps what is there", async () => {
    const read = async (files: Record<string, Buffer>) => {
      const dir = fresh();
      await importForeign(dir, layoutOf(files));
      return readForeign(await openDatabase(dir), ID);
    };
    const lists = torchZip(pickle(list(...layers.map((_, i) => tensor(String(i), [1], { type: "LongStorage" })))), {
      ...Object.fromEntries(layers.map((_, i) => [i, new Uint8Array(new BigInt64Array([BigInt(i % 4)]).buffer)])),
    });
    const inOrder = await read({ "poison_path.pt": lists, "attack_model.pt": modelZip(1, "module.") });
    expect(inOrder.fits).toBe("resnet18w4");
    expect(inOrder.infected).toEqual(Object.fromEntries(layers.map(({ name }, i) => [name, [i % 4]])));
    expect(inOrder.contribution).toBeNull();
  });

  it("says why a model fits none of our architectures, and takes the network out of a wrapper", async () => {
    const import1 = async (model: Buffer) => {
      const dir = fresh();
      const notes: string[] = [];
      const [row] = await importForeign(dir, layoutOf({ "attack_model.pt": model }), {
        note: (line) => notes.push(line),
      });
      return { dir, row, notes };
    };
    const without = await import1(modelZip(1, "", (key) => !key.startsWith("bn1.")));
    const why = "fits no architecture; the nearest is resnet18w4: it lacks 'bn1.weight'";
    expect(without.row.fits).toBeNull();
    expect(without.notes).toContainEqual(expect.stringMatching(new RegExp(`attack_model\\.pt: ${why}$`)));
    const db = await openDatabase(without.dir, { readOnly: true });
    expect(await whyUnfit(db, readForeign(db, ID))).toBe(why);
    const body = await import1(modelZip(1, "backbone.", (key) => !key.startsWith("linear."), 7));
    expect(body.row.fits).toBeNull();
    const wrapped = await import1(modelZip(1, "net.", () => true, 7));
    expect(wrapped.row.fits).toBe("resnet18w4");
    expect(wrapped.notes).toContainEqual(
      expect.stringMatching(/left aside, since no resnet18w4 has it: loss\.weight$/),
    );
    const open = await openDatabase(wrapped.dir, { readOnly: true });
    expect(await readModel(open.objects, readForeign(open, ID).model)).toEqual(randomState(network, 1));
    expect((await verifyDatabase(open, [], true)).findings).toEqual([]);
    expect(await whyUnfit(open, readForeign(open, ID))).toBeNull();
  });

  it("refuses truth that it cannot read, in a line that names the file and what is wrong", async () => {
    for (const [odd, message] of [
      [dict([text("conv1"), list(int(4))]), /names neuron 4 of layer 'conv1', which has 4/],
      [dict([text("conv1"), list(int(1), int(1))]), /a neuron of layer 'conv1' twice/],
      [dict([text("epoch"), int(3)]), /names the layer 'epoch', which the network does not have/],
      [dict([int(1), list(int(2))]), /holds no infected neurons/],
      [list(list(int(1))), /holds no infected neurons/],
      [text("conv1"), /holds no infected neurons/],
      [dict(), /names no infected neuron/],
      [list(text("conv1:9")), /names neuron 9 of layer 'conv1'/],
      [dict([text("conv1"), text("all")]), /neither indices nor a mask/],
    ] as [number[], RegExp][]) {
      const files = { "poison_path.pt": torchZip(pickle(odd)) };
      await refused(layoutOf(files), new RegExp(`poison_path\\.pt: .*${message.source}`));
    }
  });

  it("reads truth as lists, masks, tuples, texts and pairs", async () => {
    const read = async (truth: number[], storages: Record<string, Uint8Array> = {}) => {
      const dir = fresh();
      await importForeign(dir, layoutOf({ "poison_path.pt": torchZip(pickle(truth), storages) }));
      return readForeign(await openDatabase(dir), ID).infected;
    };
    const [yes, no] = [[0x88], [0x89]];
    const mask = tensor("0", [4], { type: "BoolStorage" });
    const wanted = { conv1: [0, 2] };
    for (const truth of [
      dict([text("conv1"), list(int(2), int(0))]),
      dict([text("conv1.weight"), tuple(int(0), int(2))]),
      dict([text("module.conv1"), list(yes, no, yes, no)]),
      dict([text("conv1"), list(int(1), int(0), int(1), int(0))]),
      list(text("conv1:0"), text("conv1:2")),
      list(tuple(text("conv1"), int(2)), tuple(text("conv1"), int(0))),
      dict([text("conv1"), [...global("builtins", "range"), ...tuple(int(0), int(4), int(2)), ...P.reduce]]),
    ]) {
      expect(await read(truth)).toEqual(wanted);
    }
    expect(await read(dict([text("conv1"), mask]), { 0: Uint8Array.from([1, 0, 1, 0]) })).toEqual(wanted);
  });

  it("takes whole cases beside a damaged one, names every fault, and with --strict takes none", async () => {
    const source = layoutOf();
    for (const top of ["010", "015"]) {
      const name = join(source, CASE.replace("005", top));
      mkdirSync(name, { recursive: true });
      writeFileSync(join(name, "attack_model.pt"), top === "010" ? "<!DOCTYPE html>" : modelZip(3).subarray(0, 900));
    }
    const dir = fresh();
    const strict = bdefects(["import", source, "--layout", "bdefects4nn", "--db", dir, "--strict"]);
    expect(strict.status).toBe(2);
    expect(existsSync(dir)).toBe(false);
    const { status, stdout, stderr } = bdefects([
      "import",
      source,
      "--layout",
      "bdefects4nn",
      "--db",
      dir,
      "--format",
      "json",
    ]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout).map((row: { status: string }) => row.status)).toEqual(["added", "failed", "failed"]);
    expect(stderr).toMatch(/top_010\/attack_model\.pt: is a web page/);
    expect(stderr).toMatch(/top_015\/attack_model\.pt: .*cut short/);
    expect(stderr).toMatch(/error: 2 of 3 cases were not taken/);
    expect(listForeign(await openDatabase(dir, { readOnly: true }))).toEqual([ID]);
  });

  it("names what is missing or cannot be told", async () => {
    await refused(temporaryFolder(), /no case of this layout/);
    await refused(join(temporaryFolder(), "nothing"), /no such folder/);
    await refused(layoutOf({}, "cifar10_fault/model"), /is not named <arch>/);
    await refused(layoutOf({}, "resnet18_badnet_level_narrow_top_005"), /<dataset>_fault/);
    const twice = layoutOf({}, `a/${CASE}`);
    mkdirSync(join(twice, "b", CASE), { recursive: true });
    writeFileSync(join(twice, "b", CASE, "attack_model.pt"), modelZip(1));
    await refused(twice, /as much as/);
    const linked = temporaryFolder();
    symlinkSync(layoutOf(), join(linked, "cifar10_fault"));
    await refused(linked, /no case/);
  });
});

describe("hostile checkpoints", () => {
  const owned = join(temporaryFolder(), "owned");
  const system = [...global("os", "system"), ...tuple(text(`touch ${owned}`)), ...P.reduce];

  it("are refused with one line, execute nothing and leave no trace", async () => {
    for (const file of ["attack_model.pt", "poison_path.pt", "infected_neuron_contribution.pt"]) {
      const source = layoutOf({ [file]: torchZip(pickle(system)) });
      await refused(source, new RegExp(`${file}: refused as a pickle: it names 'os\\.system'`));
    }
    const { status, stdout, stderr } = bdefects([
      ...[
        "import",
        layoutOf({ "poison_path.pt": Buffer.from(pickle(system)) }),
        "--layout",
        "bdefects4nn",
        "--db",
        fresh(),
      ],
    ]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: [^\n]*os\.system[^\n]*\n$/);
    expect(existsSync(owned)).toBe(false);
  });

  it("of other kinds are refused too", async () => {
    const model = pickle(dict([text("w"), tensor("0", [2])]));
    const bytes = { 0: new Uint8Array(8) };
    const cut = torchZip(model, bytes);
    const flipped = Buffer.from(cut);
    flipped[flipped.indexOf("x/data/0") + 10] ^= 1;
    const deflated = Buffer.from(cut);
    // Method 8 in both heads of the first entry.
    deflated[8] = 8;
    deflated[deflated.indexOf(Buffer.from("PK\x01\x02")) + 10] = 8;
    const bomb = Array.from({ length: 60 }, (_, i) => [...list(get(i), get(i)), ...put(i + 1), 0x30]).flat();
    const cases: [Buffer, RegExp][] = [
      [cut.subarray(0, cut.length >> 1), /no whole zip|not a/],
      [Buffer.alloc(0), /attack_model\.pt/],
      [Buffer.from("PK\x03\x04 and no more"), /no whole zip/],
      [flipped, /checksum/],
      [deflated, /is compressed/],
      [torchZip(model), /data\/0 is missing/],
      [torchZip(model, { 0: new Uint8Array(4) }), /4 bytes, not 8/],
      [torchZip(model, bytes, [{ path: "x/data/0", data: Buffer.alloc(8) }]), /two entries/],
      [torchZip(model, bytes, [{ path: "y/data.pkl", data: Buffer.from(model) }]), /2 'data\.pkl'/],
      [torchZip(model, bytes, [{ path: "../../evil", data: Buffer.alloc(1) }]), /attack_model\.pt/],
      [zipOf([{ path: "readme.txt", data: Buffer.from("x") }]), /zip archive without a checkpoint/],
      [torchZip(pickle(P.emptyList, put(0), get(0), [0x61])), /nested without end/],
      [torchZip(pickle(P.emptyList, put(0), [0x30], bomb, get(60))), /nested without end/],
      [torchZip(pickle(dict([text("acc"), float(0.5)]))), /no state dict/],
      [torchZip(pickle(global("collections", "OrderedDict"))), /no state dict/],
    ];
    for (const [file, message] of cases) await refused(layoutOf({ "attack_model.pt": file }), message);
  });

  it("that are cut short anywhere are refused or read whole", async () => {
    const whole = torchZip(pickle(dict([text("w"), tensor("0", [2])])), { 0: new Uint8Array(8) });
    const path = join(temporaryFolder(), "x.pt");
    const random = new Random(3);
    for (let round = 0; round < 60; round++) {
      writeFileSync(path, whole.subarray(0, random.below(whole.length)));
      await expect(readTorchFile(path)).rejects.toThrow(path);
    }
  });
});

const python = findTorchPython();

describe.skipIf(!python)("checkpoints that PyTorch wrote", () => {
  it("are read to the last bit, and whole modules are refused", async () => {
    const root = layoutOf();
    const dir = join(root, CASE);
    rmSync(join(dir, "infected_neuron_contribution.pt"));
    const shapes = JSON.stringify(Object.fromEntries(stateShapes(network)));
    const script = `
import collections, json, os, torch
torch.manual_seed(0)
os.chdir(${JSON.stringify(dir)})
shapes = json.loads('''${shapes}''')
state = collections.OrderedDict((k, torch.nn.Parameter(torch.randn(s))) for k, s in shapes.items())
state['bn1.num_batches_tracked'] = torch.tensor(7)
torch.save({'net': state, 'epoch': 3}, 'attack_model.pt')
torch.save({'conv1': torch.tensor([2, 1]), 'layer1.0.conv1': [3], 'layer4.0.conv1': {5}}, 'poison_path.pt')
torch.save(torch.nn.Linear(2, 2), 'module.pt')
torch.save([torch.arange(6).reshape(2, 3).t(), torch.tensor([1.5, -2]).half(), torch.tensor([1.5]).bfloat16(), torch.tensor([True, False])], 'mixed.pt')
shared = torch.arange(6.)
torch.save({'a': shared[2:4], 'b': shared.reshape(2, 3).t(), 'c': torch.tensor([7])}, 'old.pt', _use_new_zipfile_serialization=False)
print(json.dumps({k: v.detach().double().flatten()[:3].tolist() for k, v in state.items()}))
`;
    const expected = JSON.parse(execFileSync(python!.command, ["-c", script], { encoding: "utf8" }));
    const [list] = [(await readTorchFile(join(dir, "mixed.pt"))) as { numbers(): number[] }[]];
    expect(list.map((part) => part.numbers())).toEqual([[0, 3, 1, 4, 2, 5], [1.5, -2], [1.5], [1, 0]]);
    await expect(readWeights(join(dir, "module.pt"))).rejects.toThrow(
      /whole pickled model \(torch\.nn\.modules\.linear\.Linear\)/,
    );
    const old = (await readTorchFile(join(dir, "old.pt"))) as Map<string, { numbers(): number[] }>;
    const values = [...old].map(([name, part]) => [name, part.numbers()]);
    expect(values).toEqual([
      ["a", [2, 3]],
      ["b", [0, 3, 1, 4, 2, 5]],
      ["c", [7]],
    ]);
    const whole = readFileSync(join(dir, "old.pt"));
    for (let cut = 0; cut < whole.length; cut += 7) {
      writeFileSync(join(dir, "old.pt"), whole.subarray(0, cut));
      await expect(readTorchFile(join(dir, "old.pt")), `${cut} bytes`).rejects.toThrow(InputError);
    }
    for (const file of ["module.pt", "old.pt"]) rmSync(join(dir, file));

    const db = fresh();
    await importForeign(db, root);
    const database = await openDatabase(db);
    const record = readForeign(database, ID);
    expect(record).toMatchObject({ fits: "resnet18w4", contribution: null, infected_neuron_contribution: null });
    expect(record.infected).toEqual({ conv1: [1, 2], "layer1.0.conv1": [3], "layer4.0.conv1": [5] });
    expect(record.told.map(({ file }) => file).sort()).toEqual(["attack_data/images.bin", "mixed.pt"]);
    const state = await readModel(database.objects, record.model);
    for (const [key, values] of Object.entries(expected)) expect([...state.get(key)!.data.slice(0, 3)]).toEqual(values);
    expect(readdirSync(join(db, "foreign"))).toHaveLength(1);
  });
});
