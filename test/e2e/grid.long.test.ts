import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { Workbench } from "../../src/pipeline/judging/workbench.ts";
import { type DefectRecord, defectRecord } from "../../src/records/defect.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { writeJson } from "../../src/store/disk/json.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { firstOffGrid } from "../../src/tensor/half-grid.ts";
import { halfToNumber } from "../../src/tensor/narrow-floats.ts";
import { decodeTensors } from "../../src/tensor/safetensors.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { askLoader } from "../torch/loader.ts";
import { type RawModel, readDelta, readModel } from "./decode.ts";
import { CLEAN, writeRecipe, writeTinyData } from "./tiny.ts";

const ARCH = "cifar10-resnet18w4";
const DISCREET = `${ARCH}-badnets-middle-top020-discreet`;
const IDS = [
  `${ARCH}-badnets-middle-top020`,
  DISCREET,
  `${ARCH}-blended-middle-top000`,
  `${ARCH}-sra-middle-top020`,
  `${ARCH}-trojan-middle-top000`,
];

const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
let store: Database;
const builds: { status: number | null; stderr: string }[] = [];
beforeAll(async () => {
  writeTinyData(data);
  const recipe = writeRecipe(temporaryFolder(), (text) =>
    text.replace("clean_seeds: 1", "clean_seeds: 1\ngrid: half7"),
  );
  const slice = ["--level", "middle", "--jobs", "1"];
  for (const attacks of [
    "badnets --style plain,discreet --offset 20",
    "blended,trojan --offset 0",
    "sra --offset 20",
  ]) {
    const more = ["--attack", ...attacks.split(" ")];
    builds.push(bdefects(["build", "--edition", recipe, "--db", db, "--data", data, ...slice, ...more]));
  }
  store = await openDatabase(db);
});

/** All versions of a defect, as the store gives them. */
async function versionsOf(record: DefectRecord): Promise<Record<string, StateDict>> {
  return {
    clean: await store.loadVersion(record, "clean"),
    infected: await store.loadVersion(record, "infected"),
    sham: await store.loadVersion(record, "sham"),
  };
}

describe("an edition on the grid of half precision", () => {
  it("is built in all attacks and styles, and verifies by its measured figures too", () => {
    for (const { status, stderr } of builds) expect(status, stderr).toBe(0);
    expect(store.listDefects()).toEqual(IDS);
    for (const id of IDS)
      expect(store.readDefect(id), id).toMatchObject({ status: "accepted", recipe: { grid: "half7" } });
    const { status, stderr } = bdefects(["verify", "--all", "--metrics", "--db", db, "--data", data]);
    expect(stderr).toMatch(/^verified 5 defects, 1 clean model, \d+ files in all: no fault$/m);
    expect(status).toBe(0);
  });

  it("has no weight of any version off the grid, the drift control's among them", async () => {
    const clean = store.readClean(`clean/${CLEAN}`);
    expect(clean.recipe).toMatchObject({ grid: "half7" });
    expect(firstOffGrid(await store.loadClean(clean), "half7")).toBeNull();
    const bench = new Workbench({
      ...{ source: store, seed: 1 },
      loadDataset: (name) => DATASETS.get(name)!.load({ dataDir: data, seed: 1 }),
      createRunner: (task, network, normalization) => createRunner(task, network, normalization, { threads: 1 }),
    });
    for (const id of IDS) {
      const record = store.readDefect(id);
      const versions = { ...(await versionsOf(record)), drift: (await bench.model(record, "drift")).state };
      for (const [version, state] of Object.entries(versions))
        expect(firstOffGrid(state, "half7"), `${id}:${version}`).toBeNull();
    }
    await bench.release();
  });

  it("lies on the disk in two bytes a value, by a reading of the files alone", async () => {
    const clean = readModel(db, store.readClean(`clean/${CLEAN}`).model.object);
    const expectSame = (raw: RawModel, state: StateDict, what: string) => {
      for (const [key, { data: values }] of state) {
        const { bytes } = raw.get(key)!;
        const read = Float32Array.from({ length: bytes.length / 2 }, (_, i) => halfToNumber(bytes.readUInt16LE(2 * i)));
        expect(Buffer.compare(Buffer.from(read.buffer), Buffer.from(values.buffer)), `${what} ${key}`).toBe(0);
      }
    };
    for (const id of IDS) {
      const record = store.readDefect(id);
      const versions = await versionsOf(record);
      const twin = record.twin_model ? readDelta(db, record.twin_model.object, clean) : clean;
      const infected = readDelta(db, record.infected_model!.object, twin);
      const sham = readDelta(db, record.sham_model!.object, record.attack === "sra" ? infected : twin);
      expectSame(twin, versions.clean, `${id} twin`);
      expectSame(infected, versions.infected, `${id} infected`);
      expectSame(sham, versions.sham, `${id} sham`);
    }
  });

  it("leaves and enters a database as it is", () => {
    const [folder, other] = [join(temporaryFolder(), "slice"), join(temporaryFolder(), "db")];
    bdefects(["export", ...IDS, "--out", folder, "--db", db]);
    expect(bdefects(["import", folder, "--db", other])).toMatchObject({ status: 0 });
    expect(bdefects(["verify", "--all", "--db", other])).toMatchObject({ status: 0 });
  });

  it("says so in info, the datasheet and a checkout, whose weights are 32-bit floats of the record's hash", () => {
    expect(bdefects(["info", IDS[0], "--db", db]).stdout).toMatch(
      /weights of all versions are values of half precision/,
    );
    expect(bdefects(["info", `clean/${CLEAN}`, "--db", db]).stdout).toMatch(/values of half precision/);
    expect(rowsOf(["info", IDS[0], "--db", db])[0]).toMatchObject({ recipe_grid: "half7" });
    const sheet = join(temporaryFolder(), "sheet");
    bdefects(["datasheet", "--out", sheet, "--db", db]);
    expect(readFileSync(join(sheet, "DATASHEET.md"), "utf8")).toMatch(/`grid: half7`/);
    const out = join(temporaryFolder(), "out");
    bdefects(["checkout", DISCREET, out, "--db", db]);
    const weights = readFileSync(join(out, "model.safetensors"));
    expect(sha256Of(weights)).toBe(store.readDefect(DISCREET).infected_model!.decoded_sha256);
    for (const { dtype } of decodeTensors(weights, "model.safetensors").values()) expect(dtype).toBe("F32");
    expect(readFileSync(join(out, "README.md"), "utf8")).toMatch(/values that half precision holds/);
  });

  it.skipIf(!findTorchPython())("is in PyTorch what it is here, bit for bit", async () => {
    const out = join(temporaryFolder(), "out");
    bdefects(["checkout", IDS[0], out, "--sham", "--db", db]);
    const versions = await versionsOf(store.readDefect(IDS[0]));
    const names = { clean: "clean", infected: "model", sham: "sham" } as const;
    const theirs = askLoader(
      out,
      `
from load_in_torch import load
answer = {}
for name in ("clean", "model", "sham"):
    model = load(name)
    fresh = load("clean")
    fresh.load_state_dict(model.state_dict())
    answer[name] = {key: [str(x.dtype), x.numpy().tobytes().hex()] for key, x in fresh.state_dict().items()
                    if not key.endswith("num_batches_tracked")}`,
    ) as Record<string, Record<string, [string, string]>>;
    for (const [version, state] of Object.entries(versions)) {
      const ours = [...state].map(([key, { data: values }]) => [
        key,
        ["torch.float32", Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex")],
      ]);
      expect(theirs[names[version as keyof typeof names]], version).toEqual(Object.fromEntries(ours));
    }
  });
});

describe("verify", () => {
  /** Rewrites one record in place; returns what verify says, and puts the record back. */
  async function findingsWith(id: string, change: (record: DefectRecord) => Promise<DefectRecord>): Promise<string> {
    const before = store.readDefect(id);
    const write = (record: DefectRecord) =>
      writeJson(store.layout.defect(id), defectRecord, record, store.layout.path("tmp"));
    write(await change(before));
    const { status, stdout } = bdefects(["verify", id, "--db", db]);
    write(before);
    expect(status).toBe(1);
    return stdout;
  }

  it.each(["infected", "sham"] as const)("finds a value of the %s off the grid", async (version) => {
    const text = await findingsWith(IDS[0], async (record) => {
      const { clean, [version]: state } = await versionsOf(record);
      const moved = cloneState(state);
      const key = Object.keys(record.changed!)[0];
      const { data: values } = moved.get(key)!;
      const row = record.changed![key][0] * (values.length / moved.get(key)!.shape[0]);
      values[row] += 1e-6;
      return { ...record, [`${version}_model`]: await store.putDelta(clean, moved) };
    });
    expect(text).toMatch(/off the grid 'half7'/);
  });

  it("finds a record of another grid, and one that no recipe has", async () => {
    const withGrid = (grid: unknown) =>
      findingsWith(IDS[1], async (record) => ({ ...record, recipe: { ...record.recipe, grid } }));
    expect(await withGrid("quarter")).toMatch(/its recipe's 'grid' is "quarter"/);
    expect(await withGrid(undefined)).toMatch(/its 'recipe.grid' is other than in '/);
  });
});

it("a grid that nobody knows is refused", () => {
  const recipe = writeRecipe(temporaryFolder(), (text) =>
    text.replace("clean_seeds: 1", "clean_seeds: 1\ngrid: third"),
  );
  const { status, stderr } = bdefects(["build", "--edition", recipe, "--db", db, "--data", data]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: \S+recipe\.yaml: grid: .*\n$/);
});
