import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { VERSIONS } from "../../core/ids.ts";
import { type RepairMetric, SCORE_METRIC_KEYS } from "../../records/metrics.ts";
import { studyFile, studyRecordName } from "../../records/study.ts";
import type { Database } from "../database.ts";
import { readBytes } from "../disk/fs.ts";
import { readJson } from "../disk/json.ts";
import { sha256Of } from "../objects/objects.ts";
import { countRows } from "../sql/table-files.ts";
import type { Findings } from "./findings.ts";

/** Verifies a study's record: its schema, its name, and that its tables are there (they can be made again). */
export async function verifyStudyRecord(db: Database, findings: Findings, path: string): Promise<void> {
  const record = await findings.check(path, null, () => readJson(path, studyFile));
  if (!record) return;
  if (basename(path) !== `${record.name}.json`) findings.fault(path, `holds the study '${record.name}'`);
  const fault = (text: string) => findings.fault(path, text);
  const { study } = record.recipe;
  if (study !== record.name) fault(`its recipe is of the study '${String(study).slice(0, 80)}'`);
  if (record.cells < record.failures.length) fault(`counts ${record.cells} cells, of which more failed`);
  if (new Set(record.failures.map(({ cell }) => cell)).size !== record.failures.length) fault("lists a failure twice");
  if (new Set(record.tables.map(({ file }) => file)).size !== record.tables.length) fault("lists a table twice");
  for (const { file, rows } of record.tables) {
    const isNamed = file.startsWith(`${record.name}.`) && /^[a-z0-9-]+\.[a-z0-9_-]+\.parquet$/.test(file);
    if (!isNamed) {
      fault(`lists ${JSON.stringify(file)}, which is no table of the study '${record.name}'`);
      continue;
    }
    if (rows < 0) fault(`its table results/${file} has ${rows} rows`);
    if (existsSync(join(db.layout.path("results"), file))) continue;
    findings.note(path, `its table results/${file} is gone; 'bdefects study' with its recipe writes it again`);
  }
}

const outside = (names: readonly string[]) => names.map((name) => `not (${name} between 0 and 1)`).join(" or ");

/** By table: rows that cannot be, as conditions of SQL. A cell without a number is null, and meets none. */
const IMPOSSIBLE: Record<string, Record<string, string>> = {
  scores: {
    "a share outside 0 to 1": outside(SCORE_METRIC_KEYS.filter((key) => key !== "exam")),
    "a version that is none": `version not in (${[...VERSIONS, "drift"].map((name) => `'${name}'`).join(", ")})`,
    "a negative number": "k < 0 or seconds < 0",
  },
  repairs: {
    "a share outside 0 to 1": outside(["ca_before", "ca_after", "asr_before", "asr_after"] satisfies RepairMetric[]),
    "a difference that is not that of its rates":
      "abs(asrd - (asr_before - asr_after)) > 1e-9 or abs(cad - (ca_before - ca_after)) > 1e-9",
    "a negative number": "seconds < 0",
  },
};

/** Verifies a study's table by the hash in the study's record. */
export async function verifyStudyTable(db: Database, findings: Findings, path: string): Promise<void> {
  const file = basename(path);
  const name = studyRecordName(file.split(".")[0]);
  const record = db.hasResult(name) ? await findings.check(path, null, () => db.readResult(name, studyFile)) : null;
  const stated = record?.tables.find((table) => table.file === file);
  // The record is written last: without one, the study was cut short.
  if (!stated) findings.note(path, "a table of no finished study; 'bdefects study' with its recipe writes it again");
  else if (sha256Of(readBytes(path)) !== stated.sha256) {
    findings.fault(path, "damaged: not the table that its study's record states; delete it and run the study again");
  } else {
    const impossible = IMPOSSIBLE[file.split(".")[1]] ?? {};
    const found = await findings.check(path, null, () => countRows(path, Object.values(impossible)));
    if (!found) return;
    if (found.rows !== stated.rows) {
      findings.fault(path, `has ${found.rows} rows; its study's record states ${stated.rows}`);
    }
    for (const [i, name] of Object.keys(impossible).entries()) {
      if (found.meeting[i] > 0) findings.fault(path, `has ${found.meeting[i]} rows with ${name}`);
    }
  }
}
