import type { Database } from "../store/database.ts";
import { warn } from "./output.ts";

/** Says before an hour's work that nothing of it will be kept, since the database cannot be written. */
export function warnUnkept(database: Pick<Database, "sealed">, { out }: { out?: string }): void {
  if (!database.sealed || out !== undefined) return;
  warn(
    `--db ${database.sealed} cannot be written, so no result is kept; '--out DIR' keeps them, and 'score --results DIR' reads them`,
  );
}
