/**
 * How far a better coder could make a database of half precision smaller: bits that a changed value of an infected model or a sham takes as stored, beside
 * the entropy of its value and of its distance from the version that it is stored against, in steps of the grid. By architecture and attack; first-order
 * entropies within a model, means over models. What is stored besides values (places, shapes) counts as values' bits. Prints Markdown.
 *
 *     npx tsx bench/entropy.ts DB
 */

import { groupBy } from "../src/core/group.ts";
import { mean } from "../src/core/statistics.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { type Table, tableMarkdown } from "../src/report/tables.ts";
import { type Database, openDatabase } from "../src/store/database.ts";
import { numberToHalf } from "../src/tensor/narrow-floats.ts";
import type { StateDict } from "../src/tensor/state.ts";
import { given } from "./given.ts";

interface Bits {
  values: number;
  stored: number;
  value: number;
  distance: number;
}

type Versions = Record<"infected" | "sham", Bits>;

const [dir] = given();
const db = await openDatabase(dir, { readOnly: true });
const accepted = db.soundDefects().filter(({ status, infected_model }) => status === "accepted" && infected_model);
const rows: Table["rows"] = [];
const all: Bits[] = [];
for (const [kind, records] of groupBy(accepted, ({ arch, attack }) => `${arch}, ${attack}`)) {
  const found: Versions[] = [];
  for (const record of records) found.push(await versionsOf(db, record));
  for (const version of ["infected", "sham"] as const) {
    const those = found.map((versions) => versions[version]);
    rows.push({ kind: `${kind}, ${version}`, ...meansOf(those) });
    all.push(...those);
  }
}
rows.sort((a, b) => `${a.kind}`.localeCompare(`${b.kind}`));
rows.push({ kind: "all", ...meansOf(all) });
const table: Table = {
  ...{ name: "entropy", caption: "Bits of a changed value", rows },
  columns: [
    { key: "kind", title: "architecture, attack, version", kind: "text" },
    { key: "versions", title: "versions", kind: "count" },
    { key: "values", title: "changed values", kind: "count" },
    { key: "stored", title: "stored", kind: "rate" },
    { key: "value", title: "entropy of the value", kind: "rate" },
    { key: "distance", title: "entropy of the distance", kind: "rate" },
  ],
};
process.stdout.write(tableMarkdown(table));

function meansOf(found: readonly Bits[]) {
  const of = (key: keyof Bits) => mean(found.map((bits) => bits[key]));
  return {
    versions: found.length,
    values: Math.round(of("values")),
    ...{ stored: of("stored"), value: of("value"), distance: of("distance") },
  };
}

async function versionsOf(database: Database, record: DefectRecord): Promise<Versions> {
  const load = (version: "clean" | "infected" | "sham") => database.loadVersion(record, version);
  const [clean, infected, sham] = [await load("clean"), await load("infected"), await load("sham")];
  return {
    infected: bitsOf(infected, clean, record.infected_model!.bytes),
    sham: bitsOf(sham, record.attack === "sra" ? infected : clean, record.sham_model!.bytes),
  };
}

function bitsOf(model: StateDict, base: StateDict, bytes: number): Bits {
  const values: number[] = [];
  const distances: number[] = [];
  for (const [key, { data }] of model) {
    const from = base.get(key)!.data;
    for (let i = 0; i < data.length; i++) {
      if (data[i] === from[i]) continue;
      values.push(data[i]);
      distances.push(placeOf(data[i]) - placeOf(from[i]));
    }
  }
  return {
    values: values.length,
    stored: (8 * bytes) / values.length,
    value: entropy(values),
    distance: entropy(distances),
  };
}

/** The place of a value among those of half precision, in order, zero at 0. */
function placeOf(value: number): number {
  const bits = numberToHalf(Math.abs(value));
  return value < 0 ? -bits : bits;
}

/** Shannon's, in bits. */
function entropy(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= (count / values.length) * Math.log2(count / values.length);
  return sum;
}
