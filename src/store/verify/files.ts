import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { checkpointRecord } from "../../records/clean.ts";
import { type DatabaseManifest, databaseManifest } from "../../records/database.ts";
import { collectObjects } from "../../records/object-ref.ts";
import { LAYOUT, WEIGHTS_SUFFIX } from "../../records/places.ts";
import { DATASETS } from "../../tasks/registry.ts";
import type { Database } from "../database.ts";
import { exists, readBytes, withPath } from "../disk/fs.ts";
import { parseChecksummed, readJson } from "../disk/json.ts";
import { restoreMend } from "../disk/restore.ts";
import { decodeContainer } from "../objects/container.ts";
import { sha256Of } from "../objects/objects.ts";
import type { Findings } from "./findings.ts";
import { verifyForeign } from "./foreign.ts";
import { verifyJournal } from "./journal.ts";
import { verifyWeights } from "./repaired-weights.ts";
import { verifyResult } from "./results.ts";
import { checkpointFaults } from "./rules/checkpoint.ts";
import { verifyStudyTable } from "./studies.ts";

/** Derived, or the workings of builders: the parts that promise nothing. */
const UNHASHED = new Set<string>([
  ...[LAYOUT.claims, LAYOUT.tmp, LAYOUT.jobs, LAYOUT.journal],
  ...[LAYOUT.catalog, `${LAYOUT.catalog}.wal`, LAYOUT.unpacked],
]);

/**
 * Walks every file of a database: each must have its place, and those that records do not vouch for are held against
 * their own hash or checksum. @returns how many files were looked at.
 */
export async function verifyFiles(db: Database, findings: Findings): Promise<number> {
  const used = new Set<string>();
  let count = 0;
  const objects: string[] = [];
  for (const path of filesBelow(db.dir)) {
    const parts = path.slice(db.dir.length + 1).split(/[\\/]/);
    if (UNHASHED.has(parts[0])) continue;
    count++;
    if (parts[0] === LAYOUT.objects) objects.push(path);
    else await verifyFile(db, findings, path, parts, used);
  }
  for (const path of objects) await verifyObject(db, findings, path, used);
  verifyJournal(db, findings);
  return count;
}

async function verifyFile(
  db: Database,
  findings: Findings,
  path: string,
  parts: string[],
  used: Set<string>,
): Promise<void> {
  const [part] = parts;
  const { layout } = db;
  const name = basename(path);
  if (part === LAYOUT.manifest && parts.length === 1) {
    const manifest = await findings.check(path, null, () => readJson(path, databaseManifest));
    for (const text of manifest ? manifestFaults(manifest) : []) findings.fault(path, text);
  } else if (part === LAYOUT.report && parts.length === 1) {
    verifyReport(findings, path);
  } else if (part === LAYOUT.results && name.endsWith(".json")) {
    collectObjects(await verifyResult(db, findings, path, parts), used);
  } else if (part === LAYOUT.results && parts[1] === "repair" && name.endsWith(WEIGHTS_SUFFIX)) {
    await verifyWeights(db, findings, path);
  } else if (part === LAYOUT.results && parts.length === 2 && name.endsWith(".parquet")) {
    await verifyStudyTable(db, findings, path);
  } else if (part === LAYOUT.foreign && parts.length === 2 && name.endsWith(".json")) {
    await verifyForeign(db, findings, path, name);
    collectObjects(
      quietly(() => parseChecksummed(readBytes(path), path)),
      used,
    );
  } else if (part === LAYOUT.clean && name.endsWith(".checkpoint.json")) {
    await verifyCheckpoint(db, findings, path, used);
  } else if (part === LAYOUT.defects && name.endsWith(".labels.json")) {
    const id = name.slice(0, -".labels.json".length);
    if (!isPlaced(path, () => layout.labels(id))) findings.fault(path, "stray file: not where its name belongs");
    else if (!exists(layout.defect(id)) || quietly(() => db.readDefect(id))?.labels_sha256 === null) {
      findings.note(path, "labels of no record: left by a build that was cut short", id);
    }
    collectObjects(await findings.check(path, null, () => parseChecksummed(readBytes(path), path)), used);
  } else if ((part === LAYOUT.defects || part === LAYOUT.clean) && name.endsWith(".json")) {
    const id = name.slice(0, -".json".length);
    const place = () => (part === LAYOUT.clean ? layout.clean(`clean/${id}`) : layout.defect(id));
    if (!isPlaced(path, place)) findings.fault(path, "stray file: not where its name belongs");
    // The record itself has been verified; here only what it refers to counts, readable or not.
    else
      collectObjects(
        quietly(() => parseChecksummed(readBytes(path), path)),
        used,
      );
  } else {
    findings.fault(path, "unknown file: nothing in a database vouches for it; move it elsewhere");
  }
}

function manifestFaults({ created, data }: DatabaseManifest): string[] {
  const faults = Number.isNaN(Date.parse(created)) ? ["'created' is no time"] : [];
  const odd = Object.keys(data).find((name) => !DATASETS.has(name));
  return odd === undefined ? faults : [...faults, `'data' names '${odd}', which is no known data set`];
}

async function verifyCheckpoint(db: Database, findings: Findings, path: string, used: Set<string>): Promise<void> {
  const record = await findings.check(path, null, () => readJson(path, checkpointRecord));
  if (!record) return;
  const { id } = record;
  if (!isPlaced(path, () => db.layout.checkpoint(id))) {
    findings.fault(path, "stray file: not where its id belongs");
    return;
  }
  used.add(record.state.object);
  const objectPath = db.objects.path(record.state.object);
  const found = await findings.check(objectPath, id, () => db.readCheckpoint(id));
  if (!found) return;
  const faults = await findings.check(path, id, () => checkpointFaults(record, found.state, db.manifest));
  for (const text of faults ?? []) findings.fault(path, text, id);
}

/** A file whose name is its hash; what no record refers to is harmless left-over of a build that was cut short. */
async function verifyObject(db: Database, findings: Findings, path: string, used: Set<string>): Promise<void> {
  const object = basename(path);
  if (!/^[0-9a-f]{64}$/.test(object) || path !== db.objects.path(object)) {
    findings.fault(path, "unknown file: no object is named so");
    return;
  }
  const stored = readBytes(path);
  if (sha256Of(stored) !== object) {
    findings.fault(path, `damaged: its bytes do not have the hash that it is named by; ${restoreMend(path)}`);
  } else {
    await findings.check(path, null, () => decodeContainer(stored, path));
  }
  if (!used.has(object)) findings.note(path, "no record refers to this object");
}

const REPORT_END = /<!-- sha256:([0-9a-f]{64}) -->\s*$/;

/** A report ends in a comment with the hash of all bytes before it. */
function verifyReport(findings: Findings, path: string): void {
  const bytes = readBytes(path);
  const match = REPORT_END.exec(bytes.toString("latin1"));
  if (!match) findings.fault(path, "damaged: it does not end in its hash");
  else if (sha256Of(bytes.subarray(0, match.index)) !== match[1]) {
    findings.fault(path, "damaged: its bytes do not match its hash");
  }
}

function filesBelow(folder: string): string[] {
  return withPath(folder, () => readdirSync(folder, { withFileTypes: true }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

function isPlaced(path: string, place: () => string): boolean {
  const expected = quietly(place);
  return (
    expected !== null &&
    basename(expected) === basename(path) &&
    basename(dirname(expected)) === basename(dirname(path))
  );
}

function quietly<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
