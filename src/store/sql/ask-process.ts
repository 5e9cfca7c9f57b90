import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { InputError } from "../../core/errors.ts";
import { type SqlChunk, streamSelect } from "./select.ts";

/** What a process that runs one statement is told, once. */
export interface SqlOrder {
  statement: string;
  /** What the statement came by, for messages. */
  option: string;
  /** The catalog's file, and of which records it must be; null: whatever it holds. */
  catalog: string;
  fingerprint: string | null;
  /** A file of further tables. */
  tables: string | null;
  limits: SqlLimits;
}

export interface SqlLimits {
  seconds: number;
  /** What DuckDB may use, and what the whole process may: some functions allocate beyond DuckDB's own limit. */
  databaseMegabytes: number;
  processMegabytes: number;
  /** Rows times columns of the answer. */
  values: number;
}

/** What the process answers: chunks, then `done`; or why there is no answer. */
export type SqlAnswer =
  | { type: "chunk"; chunk: SqlChunk }
  | { type: "done" }
  /** The catalog is not of the records as they are now, or is none. */
  | { type: "stale" }
  | { type: "fault"; message: string }
  | { type: "limit"; limit: "memory" | "values" };

const WATCH_MS = 50;

/** Ends when the answer has been written, not before: whoever ends the process next would cut it. */
function tell(answer: SqlAnswer): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(answer, () => resolve());
    else resolve();
  });
}

/** DuckDB's threads do not let a process end, so it is killed: nothing here needs to be put away. */
async function end(answer: SqlAnswer): Promise<never> {
  await tell(answer);
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

process.once("message", async (order: SqlOrder) => {
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() > order.limits.processMegabytes * 1e6) void end({ type: "limit", limit: "memory" });
  }, WATCH_MS);
  try {
    const connection = await openLocked(order);
    if (connection === null) return await end({ type: "stale" });
    let values = 0;
    await streamSelect(connection, order.statement, order.option, async (chunk) => {
      values += chunk.names.length * (chunk.columns[0]?.length ?? 0);
      if (values > order.limits.values) await end({ type: "limit", limit: "values" });
      await tell({ type: "chunk", chunk });
    });
    clearInterval(watch);
    await end({ type: "done" });
  } catch (error) {
    await end({
      type: "fault",
      message: error instanceof InputError ? error.message : `${order.option}: ${String(error)}`,
    });
  }
});

/** The tables as views, with every way to other files and settings shut. @returns null where the catalog is not that of the order */
async function openLocked({ catalog, fingerprint, tables, limits }: SqlOrder): Promise<DuckDBConnection | null> {
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: `${limits.databaseMegabytes}MB`,
    // No file of its own either: what does not fit ends in a message.
    temp_directory: "",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  const connection = await instance.connect();
  if (!(await attach(connection, "catalog", catalog))) {
    if (fingerprint === null) throw new InputError(`${catalog}: is no catalog`);
    return null;
  }
  if (fingerprint !== null) {
    try {
      const found = await connection.runAndReadAll("SELECT fingerprint FROM catalog.source");
      if (found.getRowObjectsJS()[0]?.fingerprint !== fingerprint) return null;
    } catch {
      return null;
    }
  }
  const names = ["catalog.defects", "catalog.clean"];
  if (tables !== null) {
    if (!(await attach(connection, "details", tables))) throw new InputError(`${tables}: cannot be read`);
    const found = await connection.runAndReadAll(
      "SELECT table_name FROM duckdb_tables() WHERE database_name = 'details'",
    );
    names.push(...found.getRowObjectsJS().map((row) => `details.${row.table_name}`));
  }
  for (const name of names) await connection.run(`CREATE VIEW ${name.split(".")[1]} AS FROM ${name}`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
  return connection;
}

async function attach(connection: DuckDBConnection, name: string, path: string): Promise<boolean> {
  try {
    await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS ${name} (READ_ONLY)`);
    return true;
  } catch {
    return false;
  }
}
