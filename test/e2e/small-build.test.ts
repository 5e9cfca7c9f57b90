import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { DefectRecord } from "../../src/records/defect.ts";
import type { DefectLabels } from "../../src/records/labels.ts";
import { openDatabase } from "../../src/store/database.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { bdefects, type Ran, rowsOf } from "../cli/program.ts";
import { LONG, longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { Builder } from "./builder.ts";
import { differingRows, type RawModel, readDelta, readModel, readObject } from "./decode.ts";
import { decidedBy, factsOf, readJson, treeOf } from "./files.ts";
import { CLEAN, tinyBuild, writeRecipe, writeTinyData } from "./tiny.ts";

const GROUP = "cifar10-resnet18w4-badnets";
/** Long, the recipe's whole selection; else its narrowest level. */
const LEVELS = LONG ? ["middle", "narrow", "small"] : ["narrow"];
const SLICE = ["--level", LEVELS.join(",")];
const IDS = LEVELS.flatMap((level) => ["top000", "top020"].map((top) => `${GROUP}-${level}-${top}`));

const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
let first: Ran;
beforeAll(() => {
  writeTinyData(data);
  first = bdefects(tinyBuild(db, data, ...SLICE, "--jobs", "1", "--format", "json"));
});

const recordOf = (id: string) => readJson(db, "defects", GROUP, `${id}.json`) as unknown as DefectRecord;
const labelsOf = (id: string) => readJson(db, "defects", GROUP, `${id}.labels.json`) as unknown as DefectLabels;

describe("a small build", () => {
  it("tells on stdout what became of every candidate, and its progress on stderr", () => {
    expect(first.status, first.stderr).toBe(0);
    const rows = JSON.parse(first.stdout) as Record<string, unknown>[];
    expect(rows.map(({ id }) => id).sort()).toEqual(IDS);
    for (const row of rows)
      expect(row).toMatchObject({ status: "accepted", reason: null, infected: expect.any(Number) });
    const lines = first.stderr.trim().split("\n");
    const count = 1 + IDS.length;
    expect(lines).toHaveLength(count);
    expect(lines[0]).toMatch(new RegExp(`^1/${count} clean/cifar10-resnet18w4-s1: trained, \\d+ s$`));
    expect(lines.at(-1)).toMatch(new RegExp(`^${count}/${count} \\S+: accepted, \\d+ s$`));
  });

  it("tells a dry run how long more of the same takes", () => {
    const plan = (offset: string) => rowsOf(tinyBuild(db, data, "--dry-run", "--level", "narrow", "--offset", offset));
    const [built] = plan("0");
    expect(built).toMatchObject({ seconds_estimate: 0, bytes_estimate: 0, basis: "built", estimated_from: null });
    const records = ["narrow-top000", "narrow-top020"].map((name) => recordOf(`${GROUP}-${name}`));
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const bytes = mean(records.map(({ infected_model, sham_model }) => infected_model!.bytes + sham_model!.bytes));
    const [more] = plan("5");
    expect(more).toMatchObject({ basis: "measured", estimated_from: `${GROUP}-narrow` });
    expect(more.seconds_estimate).toBeCloseTo(mean(records.map(({ seconds }) => seconds)), 0);
    expect(more.bytes_estimate).toBe(Math.round(bytes));
  });

  it("leaves what verify vouches for, and no trace of the work", () => {
    const { status, stdout, stderr } = bdefects(["verify", "--all", "--db", db]);
    expect(stderr).toMatch(
      new RegExp(
        `^verified ${IDS.length} defects, 1 clean model, \\d+ files in all: no fault\nnot checked: .*--metrics.*\n$`,
      ),
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(readdirSync(join(db, "tmp"))).toEqual([]);
    expect(readdirSync(join(db, "clean"))).toEqual([`${CLEAN}.json`]);
    const { history, metrics } = readJson(db, "clean", `${CLEAN}.json`) as { history: unknown[]; metrics: object };
    expect(history).toHaveLength(3);
    expect(metrics).toEqual({ ca: expect.any(Number) });
  });

  it("keeps every byte of the clean twin outside the infected neurons' own parameters", () => {
    const { model } = readJson(db, "clean", `${CLEAN}.json`) as { model: { object: string; decoded_sha256: string } };
    expect(sha256Of(readObject(db, model.object))).toBe(model.decoded_sha256);
    const clean = readModel(db, model.object);
    const buffers = [...clean.keys()].filter((key) => /running_(mean|var)|num_batches/.test(key));
    expect(buffers.length).toBeGreaterThanOrEqual(40);
    for (const id of IDS) {
      const record = recordOf(id);
      const own = ownParameters(labelsOf(id).infected);
      expect(record.changed).toEqual(own);
      for (const ref of [record.infected_model, record.sham_model]) {
        const changed = differingRows(clean, readDelta(db, ref!.object, clean));
        expect(Object.keys(changed).length, `${id}: something was tuned`).toBeGreaterThan(0);
        for (const [key, rows] of Object.entries(changed))
          expect(own[key], `${id} ${key}`).toEqual(expect.arrayContaining(rows));
        for (const key of buffers) expect(changed).not.toHaveProperty([key]);
      }
    }
  });

  it("tunes every infected neuron, and the sham otherwise than the infected model", () => {
    const clean = cleanModel();
    for (const id of IDS) {
      const { infected_model, sham_model } = recordOf(id);
      const infected = readDelta(db, infected_model!.object, clean);
      const moved = differingRows(clean, infected);
      for (const [layer, channels] of Object.entries(labelsOf(id).infected)) {
        expect(moved[`${normOf(layer)}.bias`], `${id} ${layer}`).toEqual(channels);
      }
      expect(differingRows(infected, readDelta(db, sham_model!.object, clean))).not.toEqual({});
    }
  });

  it("records and labels read back by the schemas, agree with each other and carry the whole recipe", async () => {
    const store = await openDatabase(db, { readOnly: true });
    expect(store.listDefects()).toEqual(IDS);
    for (const id of IDS) {
      const record = store.readDefect(id);
      const labels = store.readLabels(id);
      const sizes = Object.values(labels.infected).map((channels) => channels.length);
      expect(sizes).toHaveLength(20);
      expect(record.infected).toBe(sizes.reduce((sum, size) => sum + size, 0));
      expect(Object.values(labels.contribution).map((values) => values.length)).toEqual(sizes);
      expect(record.effective).toBe(Object.values(labels.effective ?? {}).flat().length);
      expect(readObject(db, labels.carriers.object)).toHaveLength(4 * record.neurons);
      expect(record.recipe).toMatchObject({ edition: "tiny", seed: 1, inject: { batch: 32 }, gates: { asr: 0 } });
      expect(Object.values(record.metrics).every((value) => value !== null)).toBe(true);
      expect(record.data_sha256).toBe(store.manifest.data.cifar10);
    }
  });

  it("answers groups, ids, info and query", () => {
    const [group] = rowsOf(["groups", "--db", db]);
    expect(group).toMatchObject({ group_id: GROUP, candidates: IDS.length, accepted: IDS.length, rejected: 0 });
    expect(rowsOf(["ids", GROUP, "--db", db]).map(({ id }) => id)).toEqual(IDS);
    expect(rowsOf(["info", IDS[0], "--db", db])[0]).toMatchObject({ id: IDS[0], recipe_inject_target: 0 });
    expect(
      rowsOf(["query", "--where", "level = 'narrow' and ca_sham is not null", "--fields", "top", "--db", db]),
    ).toEqual([{ top: 0 }, { top: 20 }]);
  });

  it("checks out to a folder with the labels in words", () => {
    const out = join(temporaryFolder(), "out");
    rowsOf(["checkout", IDS[1], out, "--sham", "--db", db]);
    const { infected_neurons: named } = readJson(out, "labels.json") as { infected_neurons: string[] };
    const expected = Object.entries(labelsOf(IDS[1]).infected).flatMap(([layer, all]) =>
      all.map((c) => `${layer}:${c}`),
    );
    expect(named).toEqual(expected);
    const { infected_model, sham_model, clean_sha256 } = recordOf(IDS[1]);
    const hashOf = (file: string) => sha256Of(readFileSync(join(out, file)));
    expect(hashOf("model.safetensors")).toBe(infected_model!.decoded_sha256);
    expect(hashOf("sham.safetensors")).toBe(sham_model!.decoded_sha256);
    expect(hashOf("clean.safetensors")).toBe(clean_sha256);
  });
});

describe("building again", () => {
  it("changes no file where all is done, and gives the same rows", () => {
    const before = factsOf(db);
    const again = bdefects(tinyBuild(db, data, ...SLICE, "--format", "json"));
    expect(again.stderr).toBe("");
    expect(again).toMatchObject({ status: 0, stdout: first.stdout });
    expect(factsOf(db)).toEqual(before);
  });

  longIt("gives the same bytes from scratch, with other jobs, in another slice, and killed on the way", async () => {
    const other = join(temporaryFolder(), "db");
    const args = tinyBuild(other, data, "--jobs", "2", "--level", "small,narrow", "--offset", "20");
    const killed = new Builder(args);
    expect(await killed.until(() => existsSync(join(other, "clean", `${CLEAN}.checkpoint.json`)))).toBe(true);
    killed.killGroup();
    await killed.ended;
    expect(existsSync(join(other, "clean", `${CLEAN}.json`))).toBe(false);
    expect(bdefects(args).status).toBe(0);
    // A kill between two files may leave a checkpoint's weights behind.
    expect(bdefects(["verify", "--all", "--prune", "--db", other]).status).toBe(0);
    const built = decidedBy(other);
    expect(Object.keys(built).filter((file) => file.startsWith("defects"))).toHaveLength(4);
    expect(decidedBy(db)).toMatchObject(built);
  });

  it.each([
    ["another seed", () => tinyBuild(db, data, "--seed", "2"), /built with seed 1, not 2; use another --db folder/],
    ["another edition", () => retold(/edition: tiny/, "edition: other"), /built with edition tiny, not other/],
    [
      "another injection",
      () => retold(/peak_steps: 4/, "peak_steps: 5"),
      /badnets-narrow-top000' was built with another/,
    ],
    [
      "another training",
      () => retold(/epochs: 3/, "epochs: 4"),
      /'clean\/cifar10-resnet18w4-s1' was built with another/,
    ],
    ["other gates", () => retold(/sham: 1/, "sham: 0.9"), /was built with another recipe than edition 'tiny' now has/],
    ["other images", () => tinyBuild(db, otherImages()), /built with cifar10 data [0-9a-f]{12}, not [0-9a-f]{12}/],
  ])("refuses %s with one line, and changes nothing", (_, args, message) => {
    const before = treeOf(db);
    const { status, stdout, stderr } = bdefects(args());
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(treeOf(db)).toEqual(before);
  });

  it("prints the plan of a dry run, and makes no folder", () => {
    const none = join(temporaryFolder(), "none");
    expect(
      rowsOf(tinyBuild(none, data, ...SLICE, "--dry-run"))
        .map(({ id }) => id)
        .sort(),
    ).toEqual(IDS);
    expect(existsSync(none)).toBe(false);
  });
});

describe("a candidate that fails a gate", () => {
  it("is recorded with the reason and the figures, without models", () => {
    const own = join(temporaryFolder(), "db");
    // Its clean model is the one of the build above.
    const { object } = readJson(db, "clean", `${CLEAN}.json`).model as { object: string };
    for (const path of ["database.json", "clean", join("objects", object.slice(0, 2), object)]) {
      cpSync(join(db, path), join(own, path), { recursive: true });
    }
    // Steps too small to teach it anything: whether a few real ones do is chance.
    const recipe = writeRecipe(temporaryFolder(), (text) =>
      text.replace("  asr: 0\n", "  asr: 1\n").replace("learning_rate: 0.015", "learning_rate: 0.0000001"),
    );
    const args = ["build", "--edition", recipe, "--db", own, "--data", data, "--level", "narrow", "--offset", "0"];
    const [row] = rowsOf(args);
    expect(row).toMatchObject({ status: "rejected", reason: expect.stringMatching(/^asr: 0\.\d{3} \(at least 1\)$/) });
    expect(row).toMatchObject({ asr: expect.any(Number), asr_masked: null, effective: null, delta_bytes: null });
    expect(Object.keys(factsOf(own)).filter((file) => file.endsWith(".labels.json"))).toEqual([]);
    expect(rowsOf(["ids", "--where", "status = 'rejected'", "--db", own])).toHaveLength(1);
    expect(bdefects(["verify", "--all", "--db", own]).status).toBe(0);
    expect(bdefects(["checkout", row.id as string, join(own, "..", "out"), "--db", own]).stderr).toMatch(/rejected/);
  });
});

function cleanModel(): RawModel {
  return readModel(db, (readJson(db, "clean", `${CLEAN}.json`).model as { object: string }).object);
}

/** State-dict name of the batch norm behind a convolution. */
function normOf(layer: string): string {
  return layer.endsWith("shortcut.0") ? layer.replace(/0$/, "1") : layer.replace(/conv(\d)$/, "bn$1");
}

/** θ_G of docs/methods.md §7.1: the filters of the infected neurons and the scale and shift of their batch norms. */
function ownParameters(infected: Record<string, number[]>): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(infected).flatMap(([layer, channels]) => [
      [`${layer}.weight`, channels],
      [`${normOf(layer)}.weight`, channels],
      [`${normOf(layer)}.bias`, channels],
    ]),
  );
}

/** A build of the same database by a recipe that differs in one place. */
function retold(from: RegExp, to: string): string[] {
  const recipe = writeRecipe(temporaryFolder(), (text) => text.replace(from, to));
  return ["build", "--edition", recipe, "--db", db, "--data", data];
}

/** The same layout with one pixel changed. */
function otherImages(): string {
  const dir = writeTinyData(temporaryFolder());
  const path = join(dir, "cifar-10-batches-bin", "test_batch.bin");
  const bytes = readFileSync(path);
  bytes[5] ^= 1;
  writeFileSync(path, bytes);
  return dir;
}
