import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type DefectRecord, defectRecord } from "../../src/records/defect.ts";
import type { DefectLabels } from "../../src/records/labels.ts";
import { openDatabase } from "../../src/store/database.ts";
import { writeJson } from "../../src/store/disk/json.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { cloneState } from "../../src/tensor/state.ts";
import { bdefects, type Ran, rowsOf } from "../cli/program.ts";
import { LONG } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { differingRows, type RawModel, readDelta, readModel, rowBytes } from "./decode.ts";
import { readJson } from "./files.ts";
import { CLEAN, tinyBuild, writeTinyData } from "./tiny.ts";

const GROUP = "cifar10-resnet18w4-badnets";
const PLAIN = `${GROUP}-small-top000`;
const LEVELS = LONG ? ["narrow", "small"] : ["small"];
const IDS = LEVELS.map((level) => `${GROUP}-${level}-top000-discreet`);
const LAST = IDS.at(-1)!;
const EPSILON = 1e-5;

const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
let built: Ran;
beforeAll(() => {
  writeTinyData(data);
  const slice = ["--level", LEVELS.join(","), "--offset", "0", "--style", "discreet,plain"];
  built = bdefects(tinyBuild(db, data, "--jobs", "1", "--format", "json", ...slice));
});

const recordOf = (id: string) => readJson(db, "defects", GROUP, `${id}.json`) as unknown as DefectRecord;
const labelsOf = (id: string) => readJson(db, "defects", GROUP, `${id}.labels.json`) as unknown as DefectLabels;

/** A clean model, and for a discreet defect its twin, infected model and sham, read from the files alone. */
function modelsOf({ twin_model, infected_model, sham_model }: DefectRecord) {
  const clean = readModel(db, (readJson(db, "clean", `${CLEAN}.json`).model as { object: string }).object);
  const twin = readDelta(db, twin_model!.object, clean);
  return {
    clean,
    twin,
    infected: readDelta(db, infected_model!.object, twin),
    sham: readDelta(db, sham_model!.object, twin),
  };
}

function floats(model: RawModel, key: string): Float32Array {
  const { bytes } = model.get(key)!;
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** State-dict name of the batch norm behind a convolution. */
const normOf = (layer: string) =>
  layer.endsWith("shortcut.0") ? layer.replace(/0$/, "1") : layer.replace(/conv(\d)$/, "bn$1");

/** γ/√(σ² + ε) of every channel: what a rewrite of the statistics keeps. */
function gains(model: RawModel, bn: string): number[] {
  const [gamma, variance] = [floats(model, `${bn}.weight`), floats(model, `${bn}.running_var`)];
  return [...gamma].map((value, c) => value / Math.sqrt(variance[c] + EPSILON));
}

describe("a discreet build", () => {
  it("is an axis of its own beside the plain one, on the same neurons", () => {
    expect(built.status, built.stderr).toBe(0);
    const rows = JSON.parse(built.stdout) as Record<string, unknown>[];
    expect(rows.map(({ id, style, status }) => [id, style, status])).toEqual([
      ...IDS.map((id) => [id, "discreet", "accepted"]),
      ...IDS.map((id) => [id.replace("-discreet", ""), "plain", "accepted"]),
    ]);
    expect(labelsOf(LAST).infected).toEqual(labelsOf(PLAIN).infected);
    expect(recordOf(PLAIN).twin_model).toBeNull();
    expect(recordOf(IDS[0]).twin_model).toEqual(recordOf(LAST).twin_model);
    expect(rowsOf(["query", "--where", "style = 'discreet'", "--fields", "id", "--db", db])).toHaveLength(IDS.length);
    const { status, stdout, stderr } = bdefects(["verify", "--all", "--metrics", "--db", db, "--data", data]);
    expect(stderr).toMatch(
      new RegExp(`^verified ${2 * IDS.length} defects, 1 clean model, \\d+ files in all: no fault$`, "m"),
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  it("changes the infected neurons' filters and the batch norms, and no other byte", () => {
    for (const id of IDS) {
      const record = recordOf(id);
      const { infected: neurons } = labelsOf(id);
      const { clean, ...models } = modelsOf(record);
      for (const [name, model] of Object.entries(models)) {
        const against = name === "twin" ? clean : models.twin;
        const filters = Object.entries(differingRows(against, model)).filter(([key]) => {
          expect(record.changed, `${name} ${key}`).toHaveProperty([key]);
          return !/(bn\d|shortcut\.1)\.(weight|bias|running_mean|running_var)$/.test(key);
        });
        const expected = Object.entries(neurons).map(([layer, channels]) => [`${layer}.weight`, channels]);
        expect(filters, `${id} ${name}`).toEqual(name === "twin" ? [] : expected);
      }
    }
  });

  it("keeps filter norms and lets no gain grow; the twin has the clean model's gains", () => {
    for (const id of IDS) {
      const { clean, twin, infected, sham } = modelsOf(recordOf(id));
      const { infected: neurons } = labelsOf(id);
      for (const [layer, channels] of Object.entries(neurons)) {
        const bn = normOf(layer);
        gains(twin, bn).forEach((gain, c) => {
          expect(gain / gains(clean, bn)[c]).toBeCloseTo(1, 5);
        });
        for (const model of [infected, sham]) {
          gains(model, bn).forEach((gain, c) => {
            const ratio = gain / gains(clean, bn)[c];
            if (channels.includes(c)) expect(Math.abs(ratio)).toBeLessThan(1 + 1e-5);
            else expect(ratio).toBeCloseTo(1, 5);
          });
          const size = rowBytes(model.get(`${layer}.weight`)!) / 4;
          const norm = (of: RawModel, c: number) =>
            Math.hypot(...floats(of, `${layer}.weight`).subarray(c * size, (c + 1) * size));
          for (const c of channels) expect(norm(model, c) / norm(clean, c), `${layer}:${c}`).toBeCloseTo(1, 5);
        }
      }
      // Each model has statistics of its own.
      const means = [clean, twin, infected, sham].map((model) =>
        [...floats(model, "layer4.1.bn2.running_mean")].join(),
      );
      expect(new Set(means).size).toBe(4);
    }
  });

  it("checks out the rewritten twin as the clean model", () => {
    const out = join(temporaryFolder(), "out");
    rowsOf(["checkout", LAST, out, "--sham", "--db", db]);
    const record = recordOf(LAST);
    const hashOf = (file: string) => sha256Of(readFileSync(join(out, file)));
    expect(hashOf("clean.safetensors")).toBe(record.twin_model!.decoded_sha256);
    expect(hashOf("model.safetensors")).toBe(record.infected_model!.decoded_sha256);
    expect(record.twin_model!.decoded_sha256).not.toBe(record.clean_sha256);
    expect(readFileSync(join(out, "README.md"), "utf8")).toMatch(/batch norms/);
    expect(rowsOf(["info", LAST, "--db", db])[0]).toMatchObject({ twin_sha256: record.twin_model!.decoded_sha256 });
  });

  it("is judged in every version, the drift control with statistics of its own", () => {
    const versions = ["infected", "sham", "drift"].map((version) => `${LAST}:${version}`);
    const args = ["--criterion", "bnp,clp,weight-norm", "--db", db, "--data", data];
    const rows = rowsOf(["localize", ...versions, ...args]);
    expect(rows.map(({ version, criterion }) => `${version} ${criterion}`).sort()).toHaveLength(9);
    const norms = (version: string) =>
      rows.find((row) => row.version === version && row.criterion === "weight-norm")!.raw as Record<string, number[]>;
    for (const [layer, values] of Object.entries(norms("infected"))) {
      values.forEach((value, c) => {
        expect(norms("drift")[layer][c]).toBeCloseTo(value, 5);
      });
    }
    expect(rowsOf(["score", LAST, "--db", db]).length).toBeGreaterThan(0);
  });
});

it("a discreet defect leaves and enters a database with its twin", () => {
  const [folder, other] = [join(temporaryFolder(), "slice"), join(temporaryFolder(), "db")];
  expect(bdefects(["export", IDS[0], "--out", folder, "--db", db]).stderr).not.toMatch(/error/);
  expect(bdefects(["import", folder, "--db", other]).stderr).not.toMatch(/error/);
  const { status, stderr } = bdefects(["verify", "--all", "--db", other]);
  expect(stderr).toMatch(/^verified 1 defect, 1 clean model, \d+ files in all: no fault$/m);
  expect(status).toBe(0);
});

describe("verify", () => {
  /** Rewrites one record in place; returns what verify says, and puts the record back. */
  async function findingsWith(change: (record: DefectRecord) => Promise<DefectRecord>): Promise<string> {
    const store = await openDatabase(db);
    const before = store.readDefect(IDS[0]);
    const write = (record: DefectRecord) =>
      writeJson(store.layout.defect(IDS[0]), defectRecord, record, store.layout.path("tmp"));
    write(await change(before));
    const { status, stdout } = bdefects(["verify", IDS[0], "--db", db]);
    write(before);
    expect(status).toBe(1);
    return stdout;
  }

  it("finds a discreet defect without its twin", async () => {
    expect(await findingsWith(async (record) => ({ ...record, twin_model: null }))).toMatch(/without 'twin_model'/);
  });

  it.each([
    ["layer3.0.bn1.bias", /does not compute what the clean model does/],
    ["layer3.0.conv1.weight", /differs from the clean model outside the batch norms/],
  ])("finds a twin whose %s is another", async (key, message) => {
    const text = await findingsWith(async (record) => {
      const store = await openDatabase(db);
      const state = cloneState(await store.loadVersion(record, "clean"));
      state.get(key)!.data[3] += 0.05;
      return {
        ...record,
        twin_model: await store.putDelta(await store.loadClean(store.readClean(record.clean)), state),
      };
    });
    expect(text).toMatch(message);
  });
});

it("a style that no selected attack has, or nobody knows, is refused", () => {
  const { status, stderr } = bdefects(tinyBuild(db, data, "--style", "loud"));
  expect({ status, stderr }).toEqual({ status: 2, stderr: "error: unknown style 'loud'; valid: plain, discreet\n" });
});
