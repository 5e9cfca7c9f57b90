import type { Command } from "commander";
import { CheckFailed, InputError } from "../../core/errors.ts";
import type { Database } from "../../store/database.ts";
import { exists } from "../../store/fs.ts";
import { Layout } from "../../store/layout.ts";
import { withCellProgress } from "../cell-progress.ts";
import { openToRead } from "../open.ts";
import { dbOption, formatOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

/** Hashes, checksums, schemas and bit-exact rebuild. */
export function registerVerify(program: Command): void {
  program
    .command("verify")
    .argument("[selection...]", "ids and group names (none: everything)")
    .description(
      "verify records, objects and the bit-exact rebuild; exits with 1 and names the file where one is damaged",
    )
    .option("--all", "everything: all defects, and every other file of the database")
    .addOption(dbOption())
    .addOption(formatOption())
    .action(async (names: string[], { db: dir, format, all }: SharedOptions & { all?: boolean }) => {
      if (all && names.length > 0) throw new InputError("--all: give ids and groups, or --all, not both");
      const { verifyDatabase } = await import("../../store/verify.ts");
      const db = await openToVerify(dir);
      const ids = pickIds(db.listDefects(), names);
      const { findings, ...counts } = await withCellProgress((update) =>
        verifyDatabase(db, ids, names.length === 0, update),
      );
      const faults = findings.filter(({ severity }) => severity === "fault");
      if (format !== "table" || findings.length > 0) {
        emitRows(
          findings.map((finding) => ({ ...finding })),
          format,
          ["severity", "file", "id", "finding"],
        );
      }
      if (faults.length > 0) {
        const [{ file, finding }] = faults;
        throw new CheckFailed(`${faults.length} fault${faults.length > 1 ? "s" : ""} in ${dir}: ${file}: ${finding}`);
      }
      const { defects, clean, files } = counts;
      process.stderr.write(
        `verified ${defects} defects, ${clean} clean models${files > 0 ? `, ${files} files in all` : ""}: no fault\n`,
      );
    });
}

/** A damaged manifest is a fault like any other; no manifest at all is bad usage. */
async function openToVerify(dir: string): Promise<Database> {
  const manifest = new Layout(dir).path("manifest");
  try {
    return await openToRead(dir);
  } catch (error) {
    if (error instanceof InputError && exists(manifest)) throw new CheckFailed(error.message);
    throw error;
  }
}

/** Ids and groups by their names alone: a damaged record must not keep the others from being verified. */
function pickIds(ids: string[], names: string[]): string[] {
  if (names.length === 0) return ids;
  return names.flatMap((name) => {
    const found = ids.filter((id) => id === name || groupOf(id) === name);
    if (found.length > 0) return found;
    throw new InputError(`no defect or group '${name}'; 'bdefects ids' and 'bdefects groups' list what there is`);
  });
}

function groupOf(id: string): string {
  return id.split("-").slice(0, 3).join("-");
}
