import type { Command } from "commander";
import { isArchived, openArchived } from "../store/shipped/shipped.ts";
import { withCellProgress } from "./cell-progress.ts";

/** Lets every verb's `--db whole`, `lanes` or `text` mean the folder into which that database's archives are unpacked on first use. */
export function addArchivedDatabases(program: Command): void {
  program.hook("preAction", async (_program, verb) => {
    const { db } = verb.opts<{ db?: string }>();
    if (db === undefined || !isArchived(db)) return;
    const notes: string[] = [];
    const dir = await withCellProgress((told) => openArchived(db, told, (message) => notes.push(message)), "archives");
    for (const note of notes) process.stderr.write(`${note}\n`);
    verb.setOptionValueWithSource("db", dir, verb.getOptionValueSource("db") ?? "cli");
  });
}
