import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { exists, isLink, withPath, writeAtomic } from "../store/disk/fs.ts";

/** Says that a folder's tables, figures and pages are a report's own, so that the next one may replace them. */
const MARKER = ".bdefects-report";
/** What a report writes. */
const WRITTEN = /\.(md|csv|tex|svg|html)$/i;

/**
 * Makes a folder a report's: a new one, one of an earlier report, or one in which nothing lies that could be replaced.
 * @throws InputError where it holds a file of such a kind that no report wrote
 */
export function claimReportFolder(out: string): void {
  const marker = join(out, MARKER);
  if (exists(marker) && !isLink(marker)) return;
  const names =
    exists(out) && withPath(out, () => statSync(out).isDirectory()) ? withPath(out, () => readdirSync(out)) : [];
  const foreign = names.find((name) => WRITTEN.test(name) && !isOfReport(join(out, name)));
  if (foreign !== undefined) {
    throw new InputError(
      `--out ${out}: holds '${foreign}', which no report wrote and this one might replace; name a new folder`,
    );
  }
  writeAtomic(marker, "Written by 'bdefects report --out'; the next report replaces the files of its names.\n", out);
}

/** A page of a database that could not be written ends in its own hash. */
function isOfReport(path: string): boolean {
  if (!path.endsWith("report.html") || !withPath(path, () => statSync(path).isFile())) return false;
  return /<!-- sha256:[0-9a-f]{64} -->\s*$/.test(withPath(path, () => readFileSync(path, "latin1")));
}
