import type { Database } from "../store/database.ts";
import { warn } from "./output.ts";

/** Whether results go where the same command finds them again. */
export function isKept(database: Pick<Database, "sealed">, { out }: { out?: string }): boolean {
  return !database.sealed || out !== undefined;
}

/** Says before an hour's work that nothing of it will be kept, since the database cannot be written. */
export function warnUnkept(database: Pick<Database, "sealed">, options: { out?: string }): void {
  if (isKept(database, options)) return;
  warn(
    `--db ${database.sealed} cannot be written, so no result is kept; '--out DIR' keeps them, and 'score --results DIR' reads them`,
  );
}
