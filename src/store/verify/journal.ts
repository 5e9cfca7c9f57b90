import { InputError } from "../../core/errors.ts";
import { journalEntry } from "../../records/journal-entry.ts";
import type { Database } from "../database.ts";
import { exists } from "../disk/fs.ts";
import { foreignPath } from "../foreign/records.ts";
import { readJournal } from "../journal.ts";
import type { Findings } from "./findings.ts";

/**
 * Holds the journal against the files: a line is appended after its file was written, and nothing deletes a record, so
 * one that is named there and missing is lost. A result may be deleted to have it made anew: that is worth a note.
 */
export function verifyJournal(db: Database, findings: Findings): void {
  const seen = new Set<string>();
  for (const line of readJournal(db.layout.path("journal"))) {
    const entry = journalEntry.safeParse(line).data;
    const name = entry && (entry.event === "result" ? entry.name : entry.id);
    if (!entry || name === undefined || seen.has(`${entry.event} ${name}`)) continue;
    seen.add(`${entry.event} ${name}`);
    const path = pathOf(db, entry.event, name);
    if (path === null || exists(path)) continue;
    if (entry.event === "result") findings.note(path, "was written, says the journal, and is gone: make it anew");
    else findings.fault(path, "lost: the journal says that it was written; restore it from a copy", name);
  }
}

/** @returns null for a name that no file can have: the journal is not hashed. */
function pathOf({ layout }: Database, event: "defect" | "clean" | "foreign" | "result", name: string): string | null {
  try {
    if (event === "foreign") return foreignPath({ layout }, name);
    return event === "result" ? layout.result(name) : layout[event](name);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
