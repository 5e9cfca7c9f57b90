import { join, relative } from "node:path";
import type { Command } from "commander";
import { CheckFailed, InputError } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { noSuchName } from "../../store/catalog/selection.ts";
import type { Database } from "../../store/database.ts";
import { exists } from "../../store/disk/fs.ts";
import { restoreMend } from "../../store/disk/restore.ts";
import { Layout } from "../../store/layout.ts";
import { isArchived, shippedName } from "../../store/shipped/shipped.ts";
import type { Finding } from "../../store/verify/findings.ts";
import { fraction } from "../arguments.ts";
import { withCellProgress } from "../cell-progress.ts";
import { counted } from "../info/page.ts";
import { lineWidth, wrapLines } from "../listing.ts";
import {
  dataOption,
  dbOption,
  deviceOption,
  fieldsOption,
  formatOption,
  longOption,
  type SharedOptions,
} from "../options.ts";
import { emitRows } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "data" | "device" | "format" | "fields" | "long"> & {
  all?: boolean;
  metrics?: boolean;
  tolerance?: number;
  prune?: boolean;
};

/** Hashes, checksums, schemas and bit-exact rebuild; with `--metrics` what the models do. */
export function registerVerify(program: Command): void {
  program
    .command("verify")
    .argument("[selection...]", "ids and group names (none: everything)")
    .description(
      "verify records, objects and the bit-exact rebuild; exits with 1 and names the file where one is damaged",
    )
    .option("--all", "everything: all defects, and every other file of the database")
    .option("--metrics", "measure CA, ASR and the masked figures again, and hold them against the records")
    .option(
      "--tolerance <share>",
      "with --metrics: how far a figure may be from its record, as a share of the samples (default: 0.002, at least one sample; 0: equal)",
      fraction("--tolerance"),
    )
    .option("--prune", "with --all: remove objects and labels that no record refers to; needs builders to be at rest")
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], options: Options) => {
      const { db: dir, format, all, metrics, prune } = options;
      if (all && names.length > 0) throw new InputError("--all: give ids and groups, or --all, not both");
      if (prune && names.length > 0) throw new InputError("--prune: works on the whole database; name no selection");
      if (options.tolerance !== undefined && !metrics) throw new InputError("--tolerance: belongs to --metrics");
      const { useDevice } = await import("../../pipeline/device/device.ts");
      if (metrics) await useDevice(options.device);
      const { verifyDatabase } = await import("../../store/verify/verify.ts");
      const db = await openToVerify(dir);
      const ids = pickIds(db.listDefects(), names);
      const { findings, ...counts } = await withCellProgress(
        (update) => verifyDatabase(db, ids, names.length === 0, update),
        "defects",
      );
      const figures = metrics && !hasFault(findings) ? await measureAgain(db, ids, names.length === 0, options) : null;
      if (figures) findings.push(...figures.findings);
      const removed = prune && !hasFault(findings) ? await removeOrphans(dir, findings) : 0;
      const faults = findings.filter(({ severity }) => severity === "fault");
      if (format !== "table" || findings.length > 0) {
        if (format === "table" && !options.fields && !options.long) process.stdout.write(findingLines(findings));
        else
          emitRows(
            findings.map((finding) => ({ ...finding })),
            options,
            ["severity", "file", "id", "finding"],
          );
      }
      if (faults.length > 0) {
        const [{ file, finding }] = faults;
        const mend =
          !isArchived(shippedName(dir) ?? "") || finding.includes("unpacks it anew")
            ? ""
            : `; ${restoreMend(join(dir, file))}`;
        throw new CheckFailed(
          `${faults.length} fault${faults.length > 1 ? "s" : ""} in ${dir}: ${file}: ${finding}${mend}`,
        );
      }
      const { defects, clean, files } = counts;
      process.stderr.write(
        `verified ${counted(defects, "defect")}, ${counted(clean, "clean model")}${files > 0 ? `, ${files} files in all` : ""}: no fault\n`,
      );
      if (figures) {
        process.stderr.write(`measured ${figures.figures} figures again: ${figures.equal} equal to the last sample\n`);
      } else if (defects + clean > 0) {
        process.stderr.write("not checked: the figures on the data sets themselves; --metrics measures them again\n");
      }
      if (prune) process.stderr.write(`removed ${removed} files that no record refers to\n`);
    });
}

/** For people: a file's path may fill a line, and what was found must not be shortened. */
function findingLines(findings: readonly Finding[]): string {
  return findings
    .map(({ severity, file, finding }) => {
      const text = wrapLines(visible(finding), lineWidth() - 2);
      return `${severity}: ${visible(file)}\n${text.replace(/^/gm, "  ")}\n`;
    })
    .join("");
}

function hasFault(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === "fault");
}

/** Measures only what is whole: a damaged model has been told already. */
async function measureAgain(db: Database, ids: string[], everything: boolean, { data, tolerance }: Options) {
  const { METRIC_TOLERANCE, verifyMetrics } = await import("../../pipeline/verify/metrics.ts");
  const clean = everything ? db.listClean() : [];
  return withCellProgress(
    (progress) => verifyMetrics(db, { ids, clean, dataDir: data, tolerance: tolerance ?? METRIC_TOLERANCE, progress }),
    "models",
  );
}

/** What is removed is no longer found. @returns how many files are gone */
async function removeOrphans(dir: string, findings: Finding[]): Promise<number> {
  const { openDatabase } = await import("../../store/database.ts");
  const { pruneOrphans } = await import("../../store/verify/orphans.ts");
  const removed = pruneOrphans(await openDatabase(dir)).map((path) => relative(dir, path).replaceAll("\\", "/"));
  const left = findings.filter(({ file }) => !removed.includes(file));
  findings.splice(0, findings.length, ...left);
  return removed.length;
}

/** A damaged manifest is a fault like any other; no manifest at all is bad usage. */
async function openToVerify(dir: string): Promise<Database> {
  const { openDatabase } = await import("../../store/database.ts");
  const manifest = new Layout(dir).path("manifest");
  try {
    return await openDatabase(dir, { readOnly: true });
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
    throw noSuchName(name, [...ids, ...ids.map(groupOf)]);
  });
}

function groupOf(id: string): string {
  return id.split("-").slice(0, 3).join("-");
}
