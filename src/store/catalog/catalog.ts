import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { withStaging } from "../../files/staging.ts";
import { DEFECT_FIELD_NAMES, type DefectRow } from "../../records/defect-row.ts";
import type { Database } from "../database.ts";
import { exists } from "../disk/fs.ts";
import { SAMPLE } from "../shipped/sample.ts";
import { askSql, SQL_SECONDS } from "../sql/ask.ts";
import { type SqlRow, selectStatement } from "../sql/select.ts";
import {
  catalogRows,
  type DerivedTable,
  fingerprint,
  readSource,
  replaceCatalog,
  writeCatalogFile,
  writeTablesFile,
} from "./catalog-file.ts";

export interface SqlOptions {
  /** Tables beside `defects` and `clean`: those that the statement names are derived from their files for it. */
  tables?: ReadonlyMap<string, DerivedTable>;
  /** How long the statement may take. */
  seconds?: number;
}

/**
 * The catalog of a database: tables `defects` (docs/query.md; foreign models
 * under status `foreign`) and `clean`, derived from the records and rebuilt
 * whenever these are not those that it was derived from, also for a reader: it holds no fact of its own. DuckDB is
 * loaded on first use, and what users ask runs in a process of its own (`sql/ask.ts`).
 */
export class Catalog {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /**
   * The defects and foreign models that fulfil a condition, by id; all of them, straight from the records, without one.
   * @throws InputError on bad SQL, naming `--where`
   */
  async list(where?: string): Promise<DefectRow[]> {
    if (where === undefined) return catalogRows(this.db);
    return (await this.select(DEFECT_FIELD_NAMES, where)) as unknown as DefectRow[];
  }

  /** Some fields of the defects that fulfil a condition, by id. @throws InputError on bad SQL or an unknown field */
  async select(fields: readonly string[], where?: string, options: SqlOptions = {}): Promise<SqlRow[]> {
    if (where !== undefined) return this.run(selectStatement(fields, assertText(where, "--where")), "--where", options);
    selectStatement(fields, "true");
    const rows: SqlRow[] = await this.list();
    return rows.map((row) => Object.fromEntries(fields.map((field) => [field, row[field]])));
  }

  /** Rows of one SELECT statement. @throws InputError on anything else, and where it takes too long or too much memory */
  async sql(statement: string, options: SqlOptions = {}): Promise<SqlRow[]> {
    return this.run(assertText(statement, "--sql"), "--sql", options);
  }

  /** Derives the catalog anew and puts it in the old one's place. @returns what it holds. */
  async rebuild(): Promise<{ defects: number; clean: number }> {
    this.db.assertWritable();
    const source = readSource(this.db);
    await replaceCatalog(this.db, source);
    return { defects: source.defects.length, clean: source.clean.length };
  }

  private async run(
    statement: string,
    option: string,
    { tables, seconds = SQL_SECONDS }: SqlOptions,
  ): Promise<SqlRow[]> {
    const named = new Map([...(tables ?? [])].filter(([name]) => new RegExp(`\\b${name}\\b`, "i").test(statement)));
    if (named.size === 0) return this.ask(statement, option, null, seconds);
    return withStaging(tmpdir(), "bdefects-sql", async (folder) => {
      const path = join(folder, "tables.duckdb");
      await writeTablesFile(path, named);
      return this.ask(statement, option, path, seconds);
    });
  }

  /** Asks the database's own catalog; where that cannot be written, one that lasts as long as the question. */
  private async ask(statement: string, option: string, tables: string | null, seconds: number): Promise<SqlRow[]> {
    const order = { statement, option, tables };
    const catalog = this.db.layout.path("catalog");
    // The sample lies in the package; what was unpacked into the cache may get derived files.
    const mayWrite = this.db.sealed !== SAMPLE;
    if (mayWrite) {
      const current = () => askSql({ ...order, catalog, fingerprint: fingerprint(this.db) }, seconds);
      const rows = exists(catalog) ? await current() : null;
      if (rows) return rows;
    }
    const source = readSource(this.db);
    // A catalog without the damaged records would hide that they are.
    if (mayWrite && !this.db.isIncomplete) {
      try {
        await replaceCatalog(this.db, source);
        const rows = await askSql({ ...order, catalog, fingerprint: source.fingerprint }, seconds);
        if (rows) return rows;
      } catch (error) {
        if (error instanceof InputError && error.message.startsWith(`${option}:`)) throw error;
        // A medium that cannot be written keeps nobody from reading.
      }
    }
    return withStaging(tmpdir(), "bdefects-sql", async (folder) => {
      const path = join(folder, "catalog.duckdb");
      await writeCatalogFile(path, source);
      const rows = await askSql({ ...order, catalog: path, fingerprint: null }, seconds);
      if (rows === null) throw new Error(`${path} is not the catalog that was written`);
      return rows;
    });
  }
}

function assertText(text: string, option: string): string {
  if (text.trim() === "") throw new InputError(`${option} is empty: give SQL`);
  return text;
}
