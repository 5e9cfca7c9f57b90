import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { neuronLayers } from "../../src/graph/network.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import { defectLabels } from "../../src/records/labels.ts";
import type { PredictionFile } from "../../src/records/prediction.ts";
import { predictionName, repairName } from "../../src/records/result-name.ts";
import { openDatabase } from "../../src/store/database.ts";
import { writeJson } from "../../src/store/disk/json.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { Results } from "../../src/store/results/results.ts";
import { verifyDatabase } from "../../src/store/verify/verify.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { cloneState } from "../../src/tensor/state.ts";
import { longIt } from "../setup/long.ts";
import { type SampleDatabase, sampleDatabase, UNFINISHED } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const original = temporaryFolder();
let sample: SampleDatabase;
let first: DefectRecord;
beforeAll(async () => {
  sample = await sampleDatabase(original, 2);
  first = sample.accepted[0];
  new Results(sample.db).savePrediction(predictionOf(first));
  await sample.db.writeCheckpoint("clean/signs-resnet18w4-s2", await sample.db.loadVersion(first, "clean"), UNFINISHED);
  const page = "<html>report</html>\n";
  writeFileSync(join(original, "report.html"), `${page}<!-- sha256:${sha256Of(page)} -->\n`);
});

function predictionOf({ id, infected_model }: DefectRecord): PredictionFile {
  const model_sha256 = infected_model!.decoded_sha256;
  const layers = neuronLayers(buildNetwork("resnet18w4", 10));
  const scores = Object.fromEntries(layers.map(({ name, width }) => [name, new Array<number>(width).fill(0)]));
  const said = { access: "clean", seconds: 1, seed: 1, raw: scores, scores, note: null } as const;
  return {
    kind: "prediction",
    id,
    version: "infected",
    criterion: "fp",
    budget: "short" as const,
    model_sha256,
    ...said,
    native: [],
  };
}

function copyOfSample(): string {
  const dir = join(temporaryFolder(), "db");
  cpSync(original, dir, { recursive: true });
  return dir;
}

/** All files that promise to be whole, below the database's folder. */
function hashedFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((file) => !/^(tmp|claims|journal|catalog)/.test(file))
    .sort();
}

async function faults(dir: string): Promise<string[]> {
  const db = await openDatabase(dir, { readOnly: true });
  const { findings } = await verifyDatabase(db, db.listDefects(), true);
  return findings.filter(({ severity }) => severity === "fault").map(({ file, finding }) => `${file}: ${finding}`);
}

describe("verify", () => {
  it("finds nothing in a sound database", () => {
    const { status, stdout, stderr } = bdefects(["verify", "--all", "--db", original]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr).toMatch(
      /^verified 4 defects, 1 clean model, \d+ files in all: no fault\nnot checked: .*--metrics.*\n$/,
    );
    expect(rowsOf(["verify", "--db", original])).toEqual([]);
    expect(rowsOf(["verify", first.id, "--db", original])).toEqual([]);
    expect(rowsOf(["verify", first.group_id, "--db", original])).toEqual([]);
  });

  longIt("names any file of which one byte was flipped", async () => {
    const dir = copyOfSample();
    const files = hashedFiles(dir).filter((file) => file !== "database.json");
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) {
      const path = join(dir, file);
      const intact = readFileSync(path);
      for (const share of [0, 0.3, 0.6, 0.99]) {
        const damaged = Buffer.from(intact);
        damaged[Math.floor(share * intact.length)] ^= 0x04;
        writeFileSync(path, damaged);
        const found = await faults(dir);
        expect(
          found.some((fault) => fault.startsWith(`${file}: `)),
          `${file} at ${share}: ${found.join("; ")}`,
        ).toBe(true);
      }
      writeFileSync(path, intact);
    }
    expect(await faults(dir)).toEqual([]);
  });

  it("exits with 1 and names the file, for one defect as for all", async () => {
    const dir = copyOfSample();
    const path = sample.db.objects.path(first.infected_model!.object).replace(original, dir);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
    const file = relative(dir, path);
    for (const which of [["--all"], [first.id], []]) {
      const { status, stdout, stderr } = bdefects(["verify", ...which, "--db", dir, "--format", "json"]);
      expect(status).toBe(1);
      expect(JSON.parse(stdout)[0]).toMatchObject({ severity: "fault", file, id: first.id });
      expect(stderr).toMatch(/^error: 1 fault in [^\n]+\n$/);
      expect(stderr).toContain(file);
    }
    // The other defects are sound.
    expect(bdefects(["verify", sample.accepted[1].id, "--db", dir]).status).toBe(0);
  });

  it("finds a damaged manifest", () => {
    const dir = copyOfSample();
    const path = join(dir, "database.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"demo"', '"dem0"'));
    const { status, stderr } = bdefects(["verify", "--all", "--db", dir]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/database\.json: damaged/);
  });

  it("finds missing and stray files, and a record under another's name", async () => {
    const dir = copyOfSample();
    const { layout, objects } = await openDatabase(dir);
    rmSync(objects.path(first.sham_model!.object));
    rmSync(layout.labels(sample.accepted[1].id));
    const strays = [
      "notes.txt",
      "defects/x.json",
      "defects/signs-resnet18w4-badnets/y.json",
      "clean/z.json",
      "objects/ab/q",
      "results/t.csv",
    ];
    for (const file of strays) {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      writeFileSync(join(dir, file), "stray");
    }
    const renamed = layout.defect("signs-resnet18w4-badnets-large-top035");
    renameSync(layout.defect("signs-resnet18w4-badnets-large-top040"), renamed);
    const found = await faults(dir);
    // The journal still knows the record that was renamed.
    const lost = "defects/signs-resnet18w4-badnets/signs-resnet18w4-badnets-large-top040.json";
    for (const file of [...strays, relative(dir, renamed), lost]) expect(found.join("\n")).toContain(`${file}: `);
    expect(found.join("\n")).toMatch(/this object is missing/);
    expect(found.join("\n")).toMatch(/has no labels of/);
    expect(found).toHaveLength(strays.length + 4);
  });

  it("notes what a build that was cut short left, without a fault", async () => {
    const dir = copyOfSample();
    const db = await openDatabase(dir);
    await db.putBytes(Buffer.from("orphan"));
    // Labels whose record was never written, so that the journal does not know it.
    const id = "signs-resnet18w4-badnets-large-top000";
    writeJson(db.layout.labels(id), defectLabels, { ...db.readLabels(first.id), id }, db.layout.path("tmp"));
    const { status, stdout } = bdefects(["verify", "--db", dir, "--format", "json"]);
    expect(status).toBe(0);
    const notes = JSON.parse(stdout) as { severity: string; finding: string }[];
    expect(notes.every(({ severity }) => severity === "note")).toBe(true);
    expect(notes.map(({ finding }) => finding).join()).toMatch(/labels of no record/);
    expect(notes.map(({ finding }) => finding).join()).toMatch(/no record refers/);
  });

  it("names a record that the journal says was written and that is gone", async () => {
    const dir = copyOfSample();
    const { layout } = await openDatabase(dir);
    rmSync(layout.defect(first.id));
    rmSync(layout.result(predictionName("fp", first.id, "infected")));
    const { status, stdout, stderr } = bdefects(["verify", "--all", "--db", dir, "--format", "json"]);
    expect(status).toBe(1);
    expect(stderr).toContain(relative(dir, layout.defect(first.id)));
    const found = JSON.parse(stdout) as { severity: string; file: string; id: string; finding: string }[];
    expect(found.filter(({ severity }) => severity === "fault")).toMatchObject([
      { file: relative(dir, layout.defect(first.id)), id: first.id, finding: expect.stringMatching(/^lost/) },
    ]);
    // A result may be made anew.
    expect(found.filter(({ file }) => file.startsWith("results"))).toMatchObject([{ severity: "note" }]);

    rmSync(layout.clean(first.clean));
    expect(await faults(dir)).toContainEqual(expect.stringMatching(/^clean\/signs-resnet18w4-s1\.json: lost/));
    // Torn and hostile lines of the journal say nothing.
    const other = copyOfSample();
    appendFileSync(
      join(other, "journal.jsonl"),
      '{"event":"defect","id":"../../x"}\nnull\n{"event":"defect","id":"sig',
    );
    expect(await faults(other)).toEqual([]);
  });

  it("holds a result against its path", async () => {
    const dir = copyOfSample();
    const db = await openDatabase(dir);
    const prediction = predictionOf(first);
    const [other] = sample.accepted.slice(1);
    const wrong = [
      predictionName("clp", first.id, "infected"),
      predictionName("fp", first.id, "sham"),
      predictionName("fp", other.id, "infected"),
      repairName("prune", "fp", first.id),
    ];
    for (const name of wrong) db.writeResult(name, prediction);
    const found = await faults(dir);
    for (const name of wrong) expect(found.join("\n")).toContain(`results/${name}.json: `);
    expect(found).toHaveLength(wrong.length);
  });

  it("holds records, labels and models against each other", async () => {
    const { db } = await sampleDatabase(temporaryFolder(), 2);
    const [record] = sample.accepted;
    const labels = db.readLabels(record.id);
    const check = async (changes: Partial<DefectRecord>, truth = labels) => {
      db.writeDefect({ ...record, ...changes }, truth);
      return (await faults(db.dir)).join("\n");
    };
    expect(await check({})).toBe("");
    expect(await check({ infected: 3 })).toMatch(/number of infected/);
    expect(await check({ neurons: 299 })).toMatch(/counts 299 neurons/);
    expect(await check({ group_id: "x" })).toMatch(/do not fit its id/);
    expect(await check({ data_sha256: "0".repeat(64) })).toMatch(/other signs data/);
    expect(await check({ trigger: null })).toMatch(/without 'trigger'/);
    expect(await check({ clean: "clean/signs-resnet18w4-s9" })).toMatch(/twin .* is missing/);
    expect(await check({ clean_sha256: "0".repeat(64) })).toMatch(/not the twin/);
    expect(await check({ infected_model: { ...record.infected_model!, bytes: 1 } })).toMatch(/bytes, not 1/);
    expect(await check({ infected_model: { ...record.infected_model!, decoded_sha256: "0".repeat(64) } })).toMatch(
      /another model/,
    );
    expect(await check({ infected_model: db.readClean(record.clean).model })).toMatch(/is no delta/);
    expect(await check({}, { ...labels, effective: { conv1: [3] } })).toMatch(/effective neuron that is not infected/);
    expect(await check({}, { ...labels, effect: {} })).toMatch(/'effect' is not aligned/);
    expect(await check({}, { ...labels, infected: { ...labels.infected, "layer9.conv": [0] } })).toMatch(/no layer/);
    expect(await check({ changed: { ...record.changed, "linear.weight": [0] } })).toMatch(
      /beyond the infected neurons/,
    );
    expect(await check({ changed: {} })).toMatch(/outside the recorded changed set/);

    const clean = await db.loadVersion(record, "clean");
    const spilled = cloneState(await db.loadVersion(record, "infected"));
    spilled.get("linear.bias")!.data[0] = -0;
    const spill = await db.putDelta(clean, spilled);
    expect(await check({ infected_model: spill })).toMatch(/outside the recorded changed set/);
  });
});
