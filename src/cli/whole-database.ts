import type { Command } from "commander";
import { openWhole, WHOLE } from "../store/shipped/shipped.ts";
import { withCellProgress } from "./cell-progress.ts";

/** Lets every verb's `--db whole` mean the folder into which that database's archives are unpacked on first use. */
export function addWholeDatabase(program: Command): void {
  program.hook("preAction", async (_program, verb) => {
    if (verb.opts<{ db?: string }>().db !== WHOLE) return;
    const notes: string[] = [];
    const dir = await withCellProgress((told) => openWhole(told, (message) => notes.push(message)), "archives");
    for (const note of notes) process.stderr.write(`${note}\n`);
    verb.setOptionValueWithSource("db", dir, verb.getOptionValueSource("db") ?? "cli");
  });
}
