import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { neuronLayers } from "../../../src/graph/network.ts";
import { REPAIR_FIELDS, SCORE_FIELDS } from "../../../src/records/table-fields.ts";
import { checksummedJson } from "../../../src/store/disk/json.ts";
import { sha256Of } from "../../../src/store/objects/objects.ts";
import type { FlatRow } from "../../../src/store/sql/create-table.ts";
import { replaceTables } from "../../../src/store/sql/table-files.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { encodeState } from "../../../src/tensor/safetensors.ts";
import { randomState, sampleDatabase, UNFINISHED } from "../fixture.ts";
import { Forger, type Json, type Mutation } from "./forge.ts";

/** Values that cannot be in studies, foreign records and unfinished trainings. */

const STUDY = "results/study/mine.json";
export const FOREIGN = "foreign/cifar10-resnet18-badnet-narrow-top005";
const CHECKPOINT = "clean/signs-resnet18w4-s2.checkpoint.json";

const network = buildNetwork("resnet18w4", 10);

export const SCORE = {
  ...{ version: "infected", criterion: "clp", access: "clean", budget: "short", truth: "infected", protocol: "topk" },
  ...{
    quota: "global",
    k: 3,
    wji: 0.5,
    jaccard: 0.5,
    precision: 0.5,
    recall: 0.5,
    auroc: 0.9,
    ap: 0.5,
    exam: 0.1,
    seconds: 1,
  },
};
export const REPAIR = {
  ...{
    method: "prune",
    using: "oracle",
    budget: "short",
    ca_before: 0.9,
    ca_after: 0.8,
    asr_before: 1,
    asr_after: 0.25,
  },
  ...{ asrd: 0.75, cad: 0.9 - 0.8, seconds: 1 },
};

/** Writes a study's tables with these rows, and a record that vouches for them. */
export async function writeStudy(dir: string, score: FlatRow = SCORE, repair: FlatRow = REPAIR): Promise<void> {
  const results = join(dir, "results");
  const tables = [
    { name: "mine.scores", columns: SCORE_FIELDS, rows: [{ id: "x", ...score }] },
    { name: "mine.repairs", columns: REPAIR_FIELDS, rows: [{ id: "x", ...repair }] },
  ];
  await replaceTables(results, "parquet", tables, `${dir}-tmp`);
  const told = tables.map(({ name }) => {
    const file = `${name}.parquet`;
    return { file, rows: 1, sha256: sha256Of(readFileSync(join(results, file))) };
  });
  mkdirSync(join(results, "study"), { recursive: true });
  const record = { kind: "study", name: "mine", package_version: "0", recipe: { study: "mine" }, cells: 2 };
  writeFileSync(join(dir, STUDY), checksummedJson({ ...record, failures: [], tables: told }));
}

/** A database with a study, a foreign model and an unfinished training. */
export async function mixedDatabase(dir: string): Promise<Forger> {
  const { db } = await sampleDatabase(dir, 1);
  await writeStudy(dir);
  const state = randomState(network, 5);
  await db.writeCheckpoint("clean/signs-resnet18w4-s2", state, UNFINISHED);
  const layers = neuronLayers(network).map(({ name }) => name);
  const each = (value: number) => Object.fromEntries(layers.map((name) => [name, [value]]));
  const json = (value: Json) => db.putBytes(Buffer.from(`${JSON.stringify(value)}\n`));
  mkdirSync(join(dir, "foreign"), { recursive: true });
  writeFileSync(
    join(dir, `${FOREIGN}.json`),
    checksummedJson({
      ...{ kind: "foreign", id: FOREIGN, layout: "bdefects4nn", source: "a/b", dataset: "cifar10", arch: "resnet18" },
      ...{ attack: "badnet", level: "narrow", top: 5, clean: null, sham: null, metrics: null },
      model: await db.putBytes(encodeState(state)),
      tensors: state.size,
      parameters: [...state.values()].reduce((sum, { data }) => sum + data.length, 0),
      ...{ fits: "resnet18w4", infected: each(1), contribution: each(0.5) },
      poison_path: await json(each(1)),
      infected_neuron_contribution: await json(each(0.5)),
      told: [{ file: "images.bin", bytes: 3, sha256: "0".repeat(64) }],
    }),
  );
  return new Forger(dir, { study: STUDY, foreign: `${FOREIGN}.json`, checkpoint: CHECKPOINT });
}

export const BESIDE: Mutation[] = [
  ["another name", "study", (s) => (s.name = "yours"), /holds the study 'yours'/],
  ["another row count", "study", (s) => (s.tables[0].rows = 7), /has 1 rows; its study's record states 7/],
  ["negative rows", "study", (s) => (s.tables[0].rows = -1), /has -1 rows/],
  ["a table of another study", "study", (s) => (s.tables[0].file = "yours.scores.parquet"), /no table of the study/],
  ["a table twice", "study", (s) => s.tables.push(s.tables[0]), /lists a table twice/],
  ["a table outside", "study", (s) => (s.tables[0].file = "../x.parquet"), /no table of the study/],
  ["fewer cells than failures", "study", (s) => fail(s, "a", "b", "c"), /of which more failed/],
  ["a failure twice", "study", (s) => fail(s, "a", "a"), /lists a failure twice/],
  ["negative cells", "study", (s) => (s.cells = -1), /more failed|schema/],
  ["another study's recipe", "study", (s) => (s.recipe.study = "yours"), /recipe is of the study 'yours'/],

  ["created at no time", "database.json", (m) => (m.created = "yesterday"), /'created' is no time/],
  ["data of no data set", "database.json", (m) => (m.data.mnist = "0".repeat(64)), /no known data set/],

  ["another id", "foreign", (f) => (f.id = f.id.replace("005", "010")), /holds/],
  ["another offset", "foreign", (f) => (f.top = 10), /do not fit its id/],
  ["another attack", "foreign", (f) => (f.attack = "sra"), /do not fit its id/],
  ["a neuron beyond", "foreign", (f) => (f.infected.conv1 = [4]), /names conv1:4, the layer has 4/],
  ["a neuron twice", "foreign", (f) => (f.infected.conv1 = [1, 1]), /twice/],
  ["a layer that is none", "foreign", (f) => (f.infected.x = [1]), /names layer 'x'/],
  ["no neuron", "foreign", (f) => (f.infected = {}), /names no neuron/],
  ["no neurons of a file that is told", "foreign", (f) => (f.infected = f.contribution = null), /do not come together/],
  ["neurons of no file", "foreign", (f) => (f.poison_path = null), /do not come together/],
  ["contributions of no file", "foreign", (f) => (f.infected_neuron_contribution = null), /'contribution' without/],
  ["contributions of other neurons", "foreign", (f) => f.contribution.conv1.push(1), /not aligned/],
  ["another architecture", "foreign", (f) => (f.fits = "vgg13w8"), /whose tensors these are not/],
  ["other neurons than its file's", "foreign", (f) => (f.infected.conv1 = [2]), /not what 'poison_path' holds/],
  ["another count of tensors", "foreign", (f) => (f.tensors = 3), /other tensors than its record counts/],
  ["another count of parameters", "foreign", (f) => (f.parameters = 3), /other tensors than its record counts/],
  ["a file twice", "foreign", (f) => f.told.push(f.told[0]), /names a file twice/],
  ["a file elsewhere", "foreign", (f) => (f.told[0].file = "/etc/passwd"), /outside the case's folder/],
  ["a file above", "foreign", (f) => (f.told[0].file = "../x"), /outside the case's folder/],
  ["a source elsewhere", "foreign", (f) => (f.source = "/etc"), /leads out of the folder/],
  ["weights of another object", "foreign", (f) => (f.model = f.poison_path), /safetensors|tensors|header/],
  ["a file of a negative size", "foreign", (f) => (f.told[0].bytes = -1), /schema/],

  ["another id", "checkpoint", (c) => (c.id = "clean/signs-resnet18w4-s3"), /not where its id belongs/],
  ["an epoch without history", "checkpoint", (c) => (c.meta.epoch = 2), /'meta.history' is not that of epochs 1 to 2/],
  ["epoch 0", "checkpoint", (c) => (c.meta.epoch = 0), /'meta.epoch' cannot be/],
  ["no history", "checkpoint", (c) => delete c.meta.history, /'meta.history' cannot be/],
  ["a negative loss", "checkpoint", (c) => (c.meta.history[0].loss = -1), /'meta.history.0.loss' cannot be/],
  ["another seed", "checkpoint", (c) => reprint(c, { seed: 9 }), /trains with seed 9, its id says 2/],
  ["other data", "checkpoint", (c) => reprint(c, { data: "0".repeat(64) }), /other signs data/],
  ["past its last epoch", "checkpoint", (c) => reprint(c, { recipe: { epochs: 0 } }), /past epoch 0/],
  ["a fingerprint that says nothing", "checkpoint", (c) => (c.meta.fingerprint = "x"), /states no recipe/],
];

function fail(study: Json, ...cells: string[]): void {
  study.failures = cells.map((cell) => ({ cell, reason: "because" }));
}

function reprint({ meta }: Json, change: object): void {
  meta.fingerprint = JSON.stringify({ ...JSON.parse(meta.fingerprint), ...change });
}
