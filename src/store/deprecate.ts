import { InputError } from "../core/errors.ts";
import type { DefectRecord } from "../records/defect.ts";
import { assertKnownDefect } from "./catalog/selection.ts";
import { Claim, holderOf } from "./claims.ts";
import type { Database } from "./database.ts";

/**
 * Withdraws accepted defects with a reason: the record stays and says so, judges and builds pass over it, and nothing
 * is deleted. All ids are looked at before the first record is rewritten.
 *
 * @param reason null takes a deprecation back
 * @throws InputError where a defect is not accepted (or not deprecated), or somebody is at work on it.
 */
export function deprecate(db: Database, ids: readonly string[], reason: string | null): DefectRecord[] {
  db.assertWritable();
  const from = reason === null ? "deprecated" : "accepted";
  for (const id of ids) assertKnownDefect(db, id);
  for (const id of ids) assertStatus(db.readDefect(id), from);
  return ids.map((id) => {
    const claims = db.layout.path("claims");
    const claim = Claim.take(claims, id);
    if (!claim)
      throw new InputError(
        `'${id}' is being worked on by another process${holderOf(claims, id)}; try again when it is done`,
      );
    try {
      const record = db.readDefect(id);
      assertStatus(record, from);
      return db.writeDefect({ ...record, status: reason === null ? "accepted" : "deprecated", reason });
    } finally {
      claim.release();
    }
  });
}

function assertStatus({ id, status, reason }: DefectRecord, wanted: DefectRecord["status"]): void {
  if (status === wanted) return;
  const why = reason === null ? "" : ` (${reason})`;
  const verb = wanted === "accepted" ? "deprecated" : "restored";
  throw new InputError(`'${id}' is ${status}${why}: only ${wanted} defects can be ${verb}`);
}
