import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { neuronLayers } from "../../src/graph/network.ts";
import { openDatabase } from "../../src/store/database.ts";
import { checksummedJson } from "../../src/store/disk/json.ts";
import { importForeign } from "../../src/store/foreign/import.ts";
import { whyUnfit } from "../../src/store/foreign/model.ts";
import { listForeign, readForeign } from "../../src/store/foreign/records.ts";
import { verifyDatabase } from "../../src/store/verify/verify.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { encodeNpy } from "../../src/tensor/npy.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { global, P, pickle, text, tuple } from "../tensor/pickle-bytes.ts";
import { randomState } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

const network = buildNetwork("resnet18w4", 10);
const layers = neuronLayers(network);
const model = encodeState(randomState(network, 1));
const named = (top: string) => `cifar10_fault/g/resnet18_badnet_level_small_top_${top}`;
const idOf = (top: string) => `foreign/cifar10-resnet18-badnet-small-top${top}`;

/** A folder with these cases, each with a model and more files. */
function layoutOf(cases: Record<string, Record<string, Uint8Array | string>>): string {
  const root = temporaryFolder();
  for (const [name, files] of Object.entries(cases)) {
    mkdirSync(join(root, name), { recursive: true });
    for (const [file, bytes] of Object.entries({ "attack_model.safetensors": model, ...files }))
      writeFileSync(join(root, name, file), bytes);
  }
  return root;
}

async function take(source: string, strict = false) {
  const dir = join(temporaryFolder(), "db");
  const notes: string[] = [];
  const rows = await importForeign(dir, source, { strict, note: (line) => notes.push(line) }).catch((e: Error) => e);
  return { dir, notes, rows };
}

describe("the cases of a layout", () => {
  it("of which it cannot be told what they are cost themselves alone; with strict, all", async () => {
    const source = layoutOf({
      [named("005")]: {},
      "cifar10_fault/g/best": {},
      "loose/resnet18_badnet_level_small_top_010": {},
      [named("015")]: { "attack_model.pt": "two" },
      [named("020")]: {},
      [`copy/${named("020")}`]: {},
    });
    const { dir, notes, rows } = await take(source);
    expect(listForeign(await openDatabase(dir, { readOnly: true }))).toEqual([idOf("005")]);
    const statuses = (rows as { id: string | null; status: string }[]).map(({ id, status }) => `${id} ${status}`);
    expect(statuses.sort()).toEqual(
      [
        `${idOf("005")} added`,
        `${idOf("020")} failed`,
        `${idOf("020")} failed`,
        ...Array(3).fill("null failed"),
      ].sort(),
    );
    for (const fault of [
      /best: is not named <arch>_<attack>/,
      /loose.*: no folder above it is named <dataset>_fault/,
      /top_015: holds both attack_model\.pt and attack_model\.safetensors; keep one/,
      /copy.*top_020: is 'foreign\/\S+' as much as .*; import one of them/,
      /top_020: is 'foreign\/\S+' as much as .*copy.*; import one of them/,
    ]) {
      expect(notes.filter((note) => fault.test(note)).length, String(fault)).toBeGreaterThan(0);
    }
    expect(notes).toHaveLength(5);
    const strict = await take(source, true);
    expect(strict.rows).toBeInstanceOf(Error);
    expect(strict.notes).toHaveLength(4);
    expect(existsSync(strict.dir)).toBe(false);
  });
});

/** What NumPy itself wrote: `numpy.save` of `{"conv1": array([0, 2]), "layer1.0.conv1": [1]}`. */
const SAVED_DICT = Buffer.from(
  [
    "k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoKSwgfSAgICAgICAg",
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqAA2NudW1weS5jb3JlLm11",
    "bHRpYXJyYXkKX3JlY29uc3RydWN0CnEAY251bXB5Cm5kYXJyYXkKcQFLAIVxAkMBYnEDh3EEUnEFKEsBKWNudW1weQpkdHlw",
    "ZQpxBlgCAAAATzhxB4mIh3EIUnEJKEsDWAEAAAB8cQpOTk5K/////0r/////Sz90cQtiiV1xDH1xDShYBQAAAGNvbnYxcQ5o",
    "AGgBSwCFcQ9oA4dxEFJxEShLAUsChXESaAZYAgAAAGk4cROJiIdxFFJxFShLA1gBAAAAPHEWTk5OSv////9K/////0sAdHEX",
    "YolDEAAAAAAAAAAAAgAAAAAAAABxGHRxGWJYDgAAAGxheWVyMS4wLmNvbnYxcRpdcRtLAWF1YXRxHGIu",
  ].join(""),
  "base64",
);

describe("labels beside a model", () => {
  const truthOf = async (files: Record<string, Uint8Array | string>) => {
    const { dir, rows } = await take(layoutOf({ [named("005")]: files }));
    if (rows instanceof Error) return rows.message;
    const { infected, contribution } = readForeign(await openDatabase(dir, { readOnly: true }), idOf("005"));
    return { infected, contribution };
  };

  it("may be JSON or a NumPy array of a row for each layer", async () => {
    expect(
      await truthOf({
        "poison_path.json": '{"conv1": [2, 0], "layer1.0.conv1": [1]}',
        "infected_neuron_contribution.json": '{"conv1": [0.5, 2], "layer1.0.conv1": [3]}',
      }),
    ).toEqual({
      infected: { conv1: [0, 2], "layer1.0.conv1": [1] },
      contribution: { conv1: [2, 0.5], "layer1.0.conv1": [3] },
    });
    const rows = encodeNpy(Uint8Array.from(layers.flatMap(() => [3, 1])), [layers.length, 2]);
    expect(await truthOf({ "poison_path.npy": rows })).toEqual({
      infected: Object.fromEntries(layers.map(({ name }) => [name, [1, 3]])),
      contribution: null,
    });
  });

  it("may be a dict that NumPy saved, and nothing of it is run", async () => {
    expect(await truthOf({ "poison_path.npy": SAVED_DICT })).toMatchObject({
      infected: { conv1: [0, 2], "layer1.0.conv1": [1] },
    });
    const owned = join(temporaryFolder(), "owned");
    const evil = pickle([...global("os", "system"), ...tuple(text(`touch ${owned}`)), ...P.reduce]);
    const saved = Buffer.concat([SAVED_DICT.subarray(0, SAVED_DICT.indexOf("\n") + 1), evil]);
    expect(await truthOf({ "poison_path.npy": saved })).toMatch(
      /poison_path\.npy: refused as a pickle: it names 'os\.system'/,
    );
    expect(existsSync(owned)).toBe(false);
    for (let end = 0; end < SAVED_DICT.length; end += 60)
      expect(await truthOf({ "poison_path.npy": SAVED_DICT.subarray(0, end) })).toMatch(/poison_path\.npy: /);
  });

  it("are refused in one line where they are none", async () => {
    expect(await truthOf({ "poison_path.json": "{" })).toMatch(/poison_path\.json: is not JSON$/);
    expect(await truthOf({ "poison_path.json": `${"[".repeat(99)}${"]".repeat(99)}` })).toMatch(
      /nested more than 64 deep$/,
    );
    expect(await truthOf({ "poison_path.npy": "words" })).toMatch(/poison_path\.npy: not a \.npy file/);
    expect(await truthOf({ "poison_path.npy": encodeNpy(new Uint8Array(8), [2, 2, 2]) })).toMatch(
      /is of shape \(2, 2, 2\)/,
    );
    expect(await truthOf({ "poison_path.npy": "x", "poison_path.json": "{}" })).toMatch(
      /top_005: holds both poison_path\.json and poison_path\.npy; keep one of them$/,
    );
  });
});

describe("a case that is there already", () => {
  it("is updated where an earlier version understood less of the same files, and else refused", async () => {
    const prefixed = (seed: number) =>
      encodeState(new Map([...randomState(network, seed)].map(([key, tensor]) => [`module.${key}`, tensor])));
    const sourceOf = (weights: Uint8Array) =>
      layoutOf({
        [named("005")]: {
          "attack_model.safetensors": weights,
          "poison_path.json": '{"conv1": [0, 2]}',
          "infected_neuron_contribution.json": '{"conv1": [0.5, 2]}',
        },
      });
    const [source, id] = [sourceOf(prefixed(1)), idOf("005")];
    const { dir } = await take(source);
    const db = await openDatabase(dir);
    const now = readForeign(db, id);
    const write = (change: object) => writeFileSync(join(dir, `${id}.json`), checksummedJson({ ...now, ...change }));
    const again = async (from = source) => {
      const notes: string[] = [];
      const [{ status }] = await importForeign(dir, from, { note: (line) => notes.push(line) });
      return { status, notes: notes.filter((line) => line.includes(id)) };
    };
    expect(now).toMatchObject({ fits: "resnet18w4", infected: { conv1: [0, 2] } });
    write({ fits: null, infected: null, contribution: null, model: await db.putBytes(prefixed(1)) });
    await expect(again(sourceOf(prefixed(2)))).rejects.toThrow(/other content/);
    expect(readForeign(db, id).fits).toBeNull();
    expect(await again()).toEqual({
      status: "updated",
      notes: [
        `'${id}' is updated: its weights are those of resnet18w4, its infected neurons are understood, its contributions are understood`,
      ],
    });
    expect(readForeign(db, id)).toEqual(now);
    expect(await again()).toEqual({ status: "known", notes: [] });
    write({ infected: null, contribution: null });
    expect((await again()).status).toBe("updated");
    // What was understood otherwise, and not less, is no earlier version's.
    write({ fits: "resnet18w8" });
    await expect(again()).rejects.toThrow(/other content/);
    write({});
    const { findings } = await verifyDatabase(db, [], true);
    expect(findings.filter(({ severity }) => severity === "fault")).toEqual([]);
  });

  it("is updated where an earlier version kept pruned weights in two parts", async () => {
    const whole = randomState(network, 1);
    const pruned = new Map(
      [...whole].flatMap(([key, tensor]): [string, typeof tensor][] => {
        const mask = { shape: tensor.shape, data: new Float32Array(tensor.data.length).fill(1) };
        const isSplit = key === "conv1.weight";
        return isSplit
          ? [
              [`${key}_orig`, tensor],
              [`${key}_mask`, mask],
            ]
          : [[key, tensor]];
      }),
    );
    const source = layoutOf({ [named("005")]: { "attack_model.safetensors": encodeState(pruned) } });
    const { dir } = await take(source);
    const db = await openDatabase(dir);
    const now = readForeign(db, idOf("005"));
    expect(now.fits).toBe("resnet18w4");
    const before = { ...now, fits: null, tensors: pruned.size, model: await db.putBytes(encodeState(pruned)) };
    writeFileSync(join(dir, `${now.id}.json`), checksummedJson(before));
    expect(await whyUnfit(db, readForeign(db, now.id))).toMatch(
      /^keeps pruned weights in two parts, .* import it anew$/,
    );
    expect((await importForeign(dir, source))[0].status).toBe("updated");
    expect(readForeign(db, now.id)).toEqual(now);
  });
});
