import { existsSync, statSync } from "node:fs";
import { extname } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import type { ReportFormat } from "../../report/report.ts";
import { commaList, oneOf } from "../arguments.ts";
import { dataOption, dbOption, resultsOption, type SharedOptions, storedBudgetOption } from "../options.ts";
import { warn } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "data"> & {
  out?: string;
  format?: string[];
  results?: string;
  budget?: SharedOptions["budget"];
};

/** Writes the database's report: a self-contained page, and its tables and figures as files. */
export function registerReport(program: Command): void {
  program
    .command("report")
    .description("write report.html into the database's folder; with --out its tables and figures as files too")
    .option("--out <dir>", "a folder for tables (Markdown, CSV, LaTeX), figures (SVG), report.md and reproduction.md")
    .option("--format <names>", "which of md, csv, latex, svg go to --out (default: all)", commaList("--format"))
    .addOption(resultsOption())
    .addOption(storedBudgetOption("set out results of this budget", "of which there are most"))
    .addOption(dbOption())
    .addOption(dataOption())
    .action(async ({ db, data, out, format, results, budget }: Options) => {
      assertFolder(out);
      const { REPORT_FORMATS } = await import("../../report/report.ts");
      const { makeReport } = await import("../../pipeline/report/report.ts");
      const { openDatabase } = await import("../../store/database.ts");
      const { storedResults } = await import("../../pipeline/judging/judge.ts");
      format?.forEach(oneOf("--format", REPORT_FORMATS));
      if (format && out === undefined) throw new InputError("--format: name the folder for the files with --out DIR");
      const database = await openDatabase(db, { onDamage: warn });
      if (database.sealed && out === undefined)
        throw new InputError(
          `--db ${database.sealed} takes no page: name a folder for page, tables and figures with --out DIR`,
        );
      const path = await makeReport(database, {
        dataDir: data,
        out,
        formats: format as ReportFormat[] | undefined,
        budget,
        results: storedResults(database, results),
        warn,
      });
      process.stdout.write(`${path}\n`);
    });
}

/** @throws InputError where `--out` is a file, or would be a folder with a file's name */
function assertFolder(out: string | undefined): void {
  if (out === undefined) return;
  const isThere = existsSync(out);
  const isMeant = isThere ? statSync(out).isDirectory() : !/^\.(html?|md|csv|tex|svg|zip)$/i.test(extname(out));
  if (!isMeant)
    throw new InputError(`--out ${out}: name a folder; the page itself is report.html in the database's folder`);
}
