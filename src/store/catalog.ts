import { randomBytes } from "node:crypto";
import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection, DuckDBResultReader } from "@duckdb/node-api";
import { InputError } from "../core/errors.ts";
import type { Database } from "./database.ts";
import { exists, makeFolder, withPath } from "./fs.ts";
import { sha256Of } from "./objects.ts";
import { DEFECT_FIELD_NAMES, DEFECT_FIELDS, type DefectRow, defectRow } from "./rows.ts";
import type { CleanRecord } from "./schema.ts";
import { createTable } from "./sql-table.ts";

/** Opened so, a catalog can be neither changed nor used to read or write other files. */
const LOCKED = { enable_external_access: "false", lock_configuration: "true" };
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
    return this.run(selectStatement(fields, where), "--where");
  }

  /** Rows of one SELECT statement. @throws InputError on anything else. */
  async sql(statement: string): Promise<Row[]> {
    return this.run(statement, "--sql");
  }

  /** Derives the catalog anew and puts it in the old one's place. @returns what it holds. */
  async rebuild(): Promise<{ defects: number; clean: number }> {
    this.db.assertWritable();
    const source = readSource(this.db);
    await writeFile(this.db, source);
    return { defects: source.defects.length, clean: source.clean.length };
  }

  private async run(statement: string, option: string): Promise<Row[]> {
    if (statement.trim() === "") throw new InputError(`${option} is empty: give SQL`);
    const { connection, close } = await this.open();
    try {
      return await runSelect(connection, statement, option);
    } finally {
      close();
    }
  }

  /** The up-to-date catalog, read-only: its file, or where that cannot be written, one in memory. */
  private async open(): Promise<{ connection: DuckDBConnection; close: () => void }> {
    if (this.db.sealed) return openMemory(readSource(this.db));
    const current = await openFile(this.db);
    if (current) return current;
    const source = readSource(this.db);
    try {
      await writeFile(this.db, source);
    } catch {
      // A medium that cannot be written keeps nobody from reading.
    }
    return (await openFile(this.db)) ?? openMemory(source);
  }
}

/** The statement for some fields of the defects that fulfil a condition. @throws InputError on an unknown field */
export function selectStatement(fields: readonly string[], where: string): string {
  for (const field of fields) {
    if (!Object.hasOwn(DEFECT_FIELDS, field)) {
      throw new InputError(`--fields: unknown field '${field}'; valid: ${DEFECT_FIELD_NAMES.join(", ")}`);
    }
  }
  // The line break ends a comment in the condition.
  return `SELECT ${fields.join(", ")} FROM defects WHERE (${where}\n) ORDER BY id`;
}

/** Runs one SELECT statement on an open catalog. @throws InputError on anything else, naming the option */
export async function runSelect(connection: DuckDBConnection, statement: string, option: string): Promise<Row[]> {
  try {
    const { StatementType } = await import("@duckdb/node-api");
    const statements = await connection.extractStatements(statement);
    if (statements.count !== 1) throw new InputError(`${option}: give one SELECT statement, not ${statements.count}`);
    const prepared = await statements.prepare(0);
    if (prepared.statementType !== StatementType.SELECT) {
      throw new InputError(`${option}: only SELECT statements are run; the catalog is read-only`);
    }
    return plainRows(await prepared.runAndReadAll());
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${option}: ${sqlFault(error)}`, { cause: error });
  }
}

/** Writes a catalog beside the old one and renames it over that. */
async function writeFile(db: Database, source: Source): Promise<void> {
  const folder = db.layout.path("tmp");
  makeFolder(folder);
  const temporary = join(folder, `${process.pid}-${randomBytes(6).toString("hex")}.duckdb`);
  try {
    await writeCatalogFile(temporary, source);
    const path = db.layout.path("catalog");
    withPath(path, () => renameSync(temporary, path));
  } finally {
    for (const left of [temporary, `${temporary}.wal`]) withPath(left, () => rmSync(left, { force: true }));
  }
}

/** Writes a catalog into a file that does not exist. */
export async function writeCatalogFile(path: string, source: Source): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    await fill(connection, source);
    await connection.run("CHECKPOINT");
  } finally {
    closer(connection, instance)();
  }
}

/** Opens a catalog's file so that it can be neither changed nor used to reach other files. */
export async function openCatalogFile(path: string) {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY", ...LOCKED });
  const connection = await instance.connect();
  return { connection, close: closer(connection, instance) };
}

/** @returns null where the file is no catalog of this version, or not that of the records as they are now. */
async function openFile(db: Database) {
  const path = db.layout.path("catalog");
  if (!exists(path)) return null;
  let close = () => {};
  try {
    const opened = await openCatalogFile(path);
    close = opened.close;
    const rows = await opened.connection.runAndReadAll("SELECT fingerprint FROM source");
    if (rows.getRowObjectsJS()[0]?.fingerprint === fingerprint(db)) return opened;
  } catch (error) {
    if (error instanceof InputError) throw error;
  }
  close();
  return null;
}

async function openMemory(source: Source) {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await fill(connection, source);
  for (const [name, value] of Object.entries(LOCKED)) await connection.run(`SET ${name} = ${value}`);
  return { connection, close: closer(connection, instance) };
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

/** What a catalog is derived from. */
export interface Source {
  fingerprint: string;
  defects: Iterable<DefectRow>;
  clean: CleanRecord[];
}

/** Read at once. @throws InputError on a damaged record. */
function readSource(db: Database) {
  return {
    // Taken first: a record that is written meanwhile makes the catalog out of date.
    fingerprint: fingerprint(db),
    defects: db.listDefects().map((id) => defectRow(db.readDefect(id))),
    clean: db.listClean().map((id) => db.readClean(id)),
  };
}

/** Fields of the table `clean`. */
export const CLEAN_FIELDS = {
  id: "text",
  dataset: "text",
  arch: "text",
  ca: "number",
  bytes: "count",
  model_sha256: "text",
  seconds: "number",
} as const;

/** A clean model as a flat row of the catalog. */
export function cleanRow({ id, dataset, arch, metrics, model, seconds }: CleanRecord) {
  return { id, dataset, arch, ca: metrics.ca, bytes: model.bytes, model_sha256: model.decoded_sha256, seconds };
}

async function fill(connection: DuckDBConnection, source: Source): Promise<void> {
  await createTable(connection, "defects", DEFECT_FIELDS, source.defects);
  await createTable(connection, "clean", CLEAN_FIELDS, source.clean.map(cleanRow));
  await connection.run("CREATE TABLE source (fingerprint VARCHAR)");
  await connection.run("INSERT INTO source VALUES ($1)", [source.fingerprint]);
}

/** Rows with JSON's types: numbers for integers of any size, text for times. Column by column: rows are many. */
function plainRows(result: DuckDBResultReader): Row[] {
  const names = result.deduplicatedColumnNames();
  const columns = result.getColumnsJS();
  const rows: Row[] = Array.from({ length: result.currentRowCount }, () => ({}));
  // Without rows there are no columns either.
  if (rows.length === 0) return rows;
  for (const [at, name] of names.entries()) {
    for (const [i, value] of columns[at].entries()) {
      rows[i][name] = typeof value === "string" || typeof value === "number" ? value : plainValue(value);
    }
  }
  return rows;
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
