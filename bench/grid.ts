/**
 * What the grid of half precision saves and costs: bytes of the versions of a database as they are stored and as they
 * would be with every weight rounded to the grid, by attack, style and level; with a data folder also the clean models'
 * accuracy before and after. Prints Markdown.
 *
 *     npx tsx bench/grid.ts [DB [DATA [GRID]]]
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lookup } from "../src/core/errors.ts";
import { GRIDS } from "../src/core/grid.ts";
import { groupBy } from "../src/core/group.ts";
import { LEVELS } from "../src/core/ids.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { type Table, tableMarkdown } from "../src/report/tables.ts";
import { openDatabase } from "../src/store/database.ts";
import { putDelta, putHalfModel } from "../src/store/objects/models.ts";
import { ObjectStore } from "../src/store/objects/objects.ts";
import { SAMPLE_DIR } from "../src/store/shipped/sample.ts";
import { DATASETS } from "../src/tasks/classification/datasets/registry.ts";
import { buildNetwork } from "../src/tasks/classification/models/registry.ts";
import { classification } from "../src/tasks/classification/task.ts";
import { onGrid } from "../src/tensor/half-grid.ts";
import { given } from "./given.ts";

const [dir = SAMPLE_DIR, data, name = "half"] = given();
const grid = lookup(new Map(GRIDS.map((one) => [one, one])), "grid", name);
const db = await openDatabase(dir, { readOnly: true });
const folder = mkdtempSync(join(tmpdir(), "bdefects-grid-"));
const objects = new ObjectStore(join(folder, "objects"), join(folder, "tmp"));
try {
  process.stdout.write(`${tableMarkdown(await versionTable())}\n${tableMarkdown(await cleanTable())}`);
} finally {
  rmSync(folder, { recursive: true });
}

async function versionTable(): Promise<Table> {
  const accepted = db.soundDefects().filter(({ status }) => status === "accepted");
  const kindOf = ({ attack, style, level }: DefectRecord) => `${attack}, ${style}, ${level}`;
  const order = ({ attack, style, level }: DefectRecord) => `${attack} ${style} ${LEVELS.indexOf(level)}`;
  const sorted = accepted.sort((a, b) => order(a).localeCompare(order(b)));
  const rows: Table["rows"] = [];
  for (const [kind, records] of groupBy(sorted, kindOf)) {
    const sizes: { before: number; after: number }[] = [];
    for (const record of records) sizes.push(await versionBytes(record));
    const mean = (of: (size: (typeof sizes)[number]) => number) =>
      sizes.reduce((sum, size) => sum + of(size), 0) / sizes.length;
    const [before, after] = [mean((size) => size.before), mean((size) => size.after)];
    rows.push({ kind, defects: records.length, before, after, share: after / before });
  }
  return {
    ...{ name: "versions", caption: "Bytes of a version: mean of infected model and sham", rows },
    columns: [
      { key: "kind", title: "attack, style, level", kind: "text" },
      { key: "defects", title: "defects", kind: "count" },
      { key: "before", title: "stored", kind: "bytes" },
      { key: "after", title: "on the grid", kind: "bytes" },
      { key: "share", title: "share", kind: "rate" },
    ],
  };
}

async function versionBytes(record: DefectRecord): Promise<{ before: number; after: number }> {
  const load = async (version: "clean" | "infected" | "sham") => onGrid(await db.loadVersion(record, version), grid);
  const [clean, infected, sham] = [await load("clean"), await load("infected"), await load("sham")];
  const shamBase = record.attack === "sra" ? infected : clean;
  const refs = [await putDelta(objects, clean, infected, { grid }), await putDelta(objects, shamBase, sham, { grid })];
  return {
    before: (record.infected_model!.bytes + record.sham_model!.bytes) / 2,
    after: (refs[0].bytes + refs[1].bytes) / 2,
  };
}

async function cleanTable(): Promise<Table> {
  const rows: Table["rows"] = [];
  for (const record of db.soundClean()) {
    const { id, arch, classes, model } = record;
    const state = await db.loadClean(record);
    const rounded = onGrid(state, grid);
    const row = { id, before: model.bytes, after: (await putHalfModel(objects, rounded)).bytes };
    if (data === undefined) {
      rows.push(row);
      continue;
    }
    const dataset = await lookup(DATASETS, "data set", record.dataset).load({ dataDir: data, seed: db.manifest.seed });
    const network = buildNetwork(arch, classes.length);
    const runner = await createRunner(classification, network, dataset.normalization, { threads: 1 });
    rows.push({
      ...row,
      ca: await runner.quality(state, dataset.test),
      rounded: await runner.quality(rounded, dataset.test),
    });
    await runner.release();
  }
  return {
    ...{ name: "clean", caption: "Clean models", rows },
    columns: [
      { key: "id", title: "clean model", kind: "id" },
      { key: "before", title: "stored", kind: "bytes" },
      { key: "after", title: "on the grid", kind: "bytes" },
      { key: "ca", title: "CA", kind: "rate" },
      { key: "rounded", title: "CA on the grid", kind: "rate" },
    ],
  };
}
