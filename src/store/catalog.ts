import { randomBytes } from "node:crypto";
import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection, JS } from "@duckdb/node-api";
import { InputError } from "../core/errors.ts";
import type { Database } from "./database.ts";
import { exists, makeFolder, withPath } from "./fs.ts";
import { sha256Of } from "./objects.ts";
import { DEFECT_FIELD_NAMES, DEFECT_FIELDS, type DefectRow, defectRow } from "./rows.ts";

/** Opened so, a catalog can be neither changed nor used to read or write other files. */
const LOCKED = { enable_external_access: "false", lock_configuration: "true" };
const SQL_TYPES = { text: "VARCHAR", count: "INTEGER", number: "DOUBLE" };
/** Changes with the tables below, so that a catalog of another version is rebuilt. */
const CATALOG_VERSION = 1;

type Row = Record<string, unknown>;

/**
 * The catalog of a database: tables `defects` (SPEC §5's fields) and `clean`, derived from the records and rebuilt
 * whenever these are not those that it was derived from, also for a reader: it holds no fact of its own. DuckDB is
 * loaded on first use.
 */
export class Catalog {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /**
   * The defects that fulfil a condition, by id; all of them, straight from the records, without one.
   * @throws InputError on bad SQL, naming `--where`
   */
  async list(where?: string): Promise<DefectRow[]> {
    if (where === undefined) return this.db.listDefects().map((id) => defectRow(this.db.readDefect(id)));
    return (await this.select(DEFECT_FIELD_NAMES, where)) as DefectRow[];
  }

  /** Some fields of the defects that fulfil a condition, by id. */
  async select(fields: readonly string[], where = "true"): Promise<Row[]> {
    for (const field of fields) {
      if (!Object.hasOwn(DEFECT_FIELDS, field)) {
        throw new InputError(`--fields: unknown field '${field}'; valid: ${DEFECT_FIELD_NAMES.join(", ")}`);
      }
    }
    // The line break ends a comment in the condition.
    return this.run(`SELECT ${fields.join(", ")} FROM defects WHERE (${where}\n) ORDER BY id`, "--where");
  }

  /** Rows of one SELECT statement. @throws InputError on anything else. */
  async sql(statement: string): Promise<Row[]> {
    return this.run(statement, "--sql");
  }

  /** Derives the catalog anew and puts it in the old one's place. @returns what it holds. */
  async rebuild(): Promise<{ defects: number; clean: number }> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const folder = this.db.layout.path("tmp");
    makeFolder(folder);
    const temporary = join(folder, `${process.pid}-${randomBytes(6).toString("hex")}.duckdb`);
    try {
      const instance = await DuckDBInstance.create(temporary);
      const connection = await instance.connect();
      let counts: { defects: number; clean: number };
      try {
        counts = await fill(connection, this.db);
        await connection.run("CHECKPOINT");
      } finally {
        connection.closeSync();
        instance.closeSync();
      }
      const path = this.db.layout.path("catalog");
      withPath(path, () => renameSync(temporary, path));
      return counts;
    } finally {
      for (const left of [temporary, `${temporary}.wal`]) rmSync(left, { force: true });
    }
  }

  private async run(statement: string, option: string): Promise<Row[]> {
    if (statement.trim() === "") throw new InputError(`${option} is empty: give SQL`);
    const { connection, close } = await this.open();
    try {
      const { StatementType } = await import("@duckdb/node-api");
      const statements = await connection.extractStatements(statement);
      if (statements.count !== 1) throw new InputError(`${option}: give one SELECT statement, not ${statements.count}`);
      const prepared = await statements.prepare(0);
      if (prepared.statementType !== StatementType.SELECT) {
        throw new InputError(`${option}: only SELECT statements are run; the catalog is read-only`);
      }
      const result = await prepared.runAndReadAll();
      return result.getRowObjectsJS().map(plainRow);
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError(`${option}: ${sqlFault(error)}`, { cause: error });
    } finally {
      close();
    }
  }

  /** The up-to-date catalog, read-only: its file, or where that cannot be written, one in memory. */
  private async open(): Promise<{ connection: DuckDBConnection; close: () => void }> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const path = this.db.layout.path("catalog");
    for (const attempt of ["as it is", "rebuilt"]) {
      if (attempt === "rebuilt" && !(await this.tryRebuild())) break;
      if (!exists(path)) continue;
      const opened = await openFile(path);
      if (opened && (await fingerprintOf(opened.connection)) === fingerprint(this.db)) return opened;
      opened?.close();
    }
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await fill(connection, this.db);
    for (const [name, value] of Object.entries(LOCKED)) await connection.run(`SET ${name} = ${value}`);
    return { connection, close: closer(connection, instance) };
  }

  private async tryRebuild(): Promise<boolean> {
    try {
      await this.rebuild();
      return true;
    } catch (error) {
      // A damaged record must be reported; a folder that cannot be written must not keep anybody from reading.
      if ((error as Error).cause === undefined && error instanceof InputError) throw error;
      return false;
    }
  }
}

/** @returns null where the file is no catalog that this version of DuckDB reads. */
async function openFile(path: string) {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  try {
    const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY", ...LOCKED });
    const connection = await instance.connect();
    return { connection, close: closer(connection, instance) };
  } catch {
    return null;
  }
}

function closer(connection: { closeSync(): void }, instance: { closeSync(): void }): () => void {
  return () => {
    connection.closeSync();
    instance.closeSync();
  };
}

/** Identifies the records that a catalog was derived from: names, sizes and times of all their files. */
function fingerprint(db: Database): string {
  const paths = [
    ...db.listDefects().map((id) => [id, db.layout.defect(id)]),
    ...db.listClean().map((id) => [id, db.layout.clean(id)]),
  ];
  const lines = paths.map(([id, path]) => {
    const { size, mtimeNs } = withPath(path, () => statSync(path, { bigint: true }));
    return `${id} ${size} ${mtimeNs}`;
  });
  return sha256Of([`catalog ${CATALOG_VERSION}`, ...lines].join("\n"));
}

async function fingerprintOf(connection: DuckDBConnection): Promise<string | null> {
  try {
    const rows = await connection.runAndReadAll("SELECT fingerprint FROM source");
    return String(rows.getRowObjectsJS()[0].fingerprint);
  } catch {
    return null;
  }
}

async function fill(connection: DuckDBConnection, db: Database): Promise<{ defects: number; clean: number }> {
  // Taken first: a record that is written meanwhile makes the catalog out of date.
  const source = fingerprint(db);
  const columns = DEFECT_FIELD_NAMES.map((field) => `${field} ${SQL_TYPES[DEFECT_FIELDS[field]]}`);
  await connection.run(`CREATE TABLE defects (${columns.join(", ")})`);
  const defects = await connection.createAppender("defects");
  const ids = db.listDefects();
  for (const id of ids) {
    const row = defectRow(db.readDefect(id));
    for (const field of DEFECT_FIELD_NAMES) {
      const value = row[field];
      if (value === null) defects.appendNull();
      else if (typeof value === "string") defects.appendVarchar(value);
      else if (DEFECT_FIELDS[field] === "count") defects.appendInteger(value);
      else defects.appendDouble(value);
    }
    defects.endRow();
  }
  defects.closeSync();

  await connection.run(
    "CREATE TABLE clean (id VARCHAR, dataset VARCHAR, arch VARCHAR, ca DOUBLE, bytes INTEGER, model_sha256 VARCHAR, seconds DOUBLE)",
  );
  const clean = await connection.createAppender("clean");
  const cleanIds = db.listClean();
  for (const id of cleanIds) {
    const record = db.readClean(id);
    for (const text of [record.id, record.dataset, record.arch]) clean.appendVarchar(text);
    clean.appendDouble(record.metrics.ca);
    clean.appendInteger(record.model.bytes);
    clean.appendVarchar(record.model.decoded_sha256);
    clean.appendDouble(record.seconds);
    clean.endRow();
  }
  clean.closeSync();
  await connection.run("CREATE TABLE source (fingerprint VARCHAR)");
  await connection.run("INSERT INTO source VALUES ($1)", [source]);
  return { defects: ids.length, clean: cleanIds.length };
}

/** A row with JSON's types: numbers for integers of any size, text for times. */
function plainRow(row: Record<string, JS>): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plainValue(part)]));
  }
  return value;
}

/** DuckDB's message without the excerpt of the statement below it. */
function sqlFault(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\s*LINE \d+:/)[0].replace(/^Failed to extract statements: /, "");
}
