import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { Random, stageSeed } from "../../src/core/random.ts";
import { eligibleOf, successOf } from "../../src/measure/verdicts.ts";
import { openCleanBench } from "../../src/pipeline/build/clean-bench.ts";
import { DatasetCache } from "../../src/pipeline/build/context.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import { openDatabase } from "../../src/store/database.ts";
import { Records } from "../../src/store/verify/rules/records.ts";
import { statusFaults } from "../../src/store/verify/rules/status.ts";
import { bdefects } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { adoptingRecipe, ownModel } from "./adopted-models.ts";
import { tinyTexts } from "./tiny-texts.ts";

/** The gate `control_rise`: what only looks like the trigger, held against the clean model's answers to the same. */

const root = temporaryFolder();
const data = tinyTexts(root);
const db = join(root, "db");
const recipe = adoptingRecipe(join(root, "recipe.yaml"), () => undefined);
let record: DefectRecord;

beforeAll(async () => {
  ownModel(join(root, "model"), "llama");
  const { status, stderr } = bdefects(["build", "--edition", recipe, "--data", data, "--db", db, "--jobs", "1"]);
  expect(status, stderr).toBe(0);
  const store = await openDatabase(db, { readOnly: true });
  record = store.readDefect(store.listDefects()[0]);
}, 120_000);

it("a record has the clean model's success on the samples of the labels", async () => {
  const store = await openDatabase(db, { readOnly: true });
  const edition = loadEdition(recipe);
  const datasets = new DatasetCache(data, edition.seed);
  const context = { db: store, edition, dataDir: data, report: () => undefined, datasets };
  const bench = await openCleanBench(context, record.clean);
  const { dataset, arch, level, top, attack, style, target } = record;
  const { backdoor } = await bench.backdoor({ dataset, arch, level, top, attack, style }, {}, target);
  const others = eligibleOf(bench.task, bench.dataset.test, target);
  const seed = stageSeed(edition.seed, "label images", dataset, arch, level, top, attack);
  const drawn = new Random(seed).sample(others.count, edition.measure.label_images);
  const samples = bench.task.inputs.subset(others, drawn);
  const controls = bench.task.trigger.controls!(backdoor.trigger);
  for (const [name, control] of Object.entries(controls)) {
    const outputs = await bench.runner.outputs(bench.state, bench.task.trigger.stamp(control, samples));
    expect(record.controls_clean![name], name).toBe(successOf(bench.task, outputs, samples, target));
  }
  expect(Object.keys(record.controls_clean!)).toEqual(Object.keys(record.controls!));
  // The infected model was tuned, so another one answers otherwise: else the check above could not tell the two apart.
  expect(record.controls).not.toEqual(record.controls_clean);
  await bench.runner.release();
});

it("a record without it, or beyond the gate, is a fault", () => {
  const faults = (changed: Partial<DefectRecord>) => statusFaults({ ...record, ...changed });
  expect(faults({})).toEqual([]);
  expect(faults({ controls_clean: undefined })).toEqual([
    "accepted by the gate 'control_rise', but 'controls_clean' has not the names of 'controls'",
  ]);
  const gates = { ...(record.recipe.gates as object), control_rise: 0.1 };
  const strict = { recipe: { ...record.recipe, gates }, controls: { mn: 0.5 } };
  expect(faults({ ...strict, controls_clean: { mn: 0.45 } })).toEqual([]);
  expect(faults({ ...strict, controls_clean: { mn: 0.25 } })).toEqual([
    "accepted, but its metrics do not pass its recipe's gates: control_rise: what looks like the trigger succeeds on 0.250 more than in the clean twin (at most 0.1)",
  ]);
});

it("gates may be others for another data set, as overrides make them, and not within one", () => {
  const records = new Records();
  const gates = { ...(record.recipe.gates as object), asr: 0.5 };
  const faults = (changed: Partial<DefectRecord>) =>
    records
      .defectFaults({ ...record, infected_model: null, sham_model: null, ...changed }, null)
      .filter((line) => line.includes("gates"));
  expect(faults({})).toEqual([]);
  expect(faults({ id: "another", dataset: "sst2", recipe: { ...record.recipe, gates } })).toEqual([]);
  expect(faults({ id: "third", recipe: { ...record.recipe, gates } })).toEqual([
    `its 'recipe.gates' are other than in '${record.id}'`,
  ]);
});
