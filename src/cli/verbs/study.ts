import type { Command } from "commander";
import { CheckFailed } from "../../core/errors.ts";
import { inWords } from "../../pipeline/estimate/time-left.ts";
import type { Study } from "../../pipeline/study/recipe.ts";
import {
  dataOption,
  dbOption,
  deviceOption,
  fieldsOption,
  formatOption,
  jobsOption,
  longOption,
  outOption,
  type SharedOptions,
} from "../options.ts";
import { emitRows, warn } from "../output.ts";
import { resumable } from "../resumable.ts";
import { StudyProgress } from "../study-progress.ts";

type Options = Pick<SharedOptions, "db" | "data" | "device" | "format" | "fields" | "long"> & {
  jobs?: number;
  out?: string;
  dryRun?: boolean;
};

/** Localize, repair and score over a selection, as a recipe says. */
export function registerStudy(program: Command): void {
  program
    .command("study")
    .description("localize, repair and score over a selection, as a recipe says: resumable, in parallel")
    .argument("[recipe]", "the path of a recipe file, or a shipped study's name", "study")
    .option("--dry-run", "print how many cells are done and to do and how long they may take, and run nothing")
    .addOption(outOption())
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(jobsOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (recipe: string, options: Options) => {
      const { loadStudy } = await import("../../pipeline/study/recipe.ts");
      const study = loadStudy(recipe);
      if (options.dryRun) return dryRun(study, options);
      const { useDevice } = await import("../../pipeline/device/device.ts");
      await useDevice(options.device);
      const { runStudy } = await import("../../pipeline/study/study.ts");
      const progress = new StudyProgress();
      const { db: dir, data: dataDir, jobs, out } = options;
      try {
        const end = await resumable(() => runStudy({ dir, dataDir, study, jobs, out, report: progress.report }));
        progress.stop();
        emitRows(
          end.summary.map((row) => ({ ...row })),
          options,
        );
        if (end.unfinished === 0) return;
        process.stderr.write(
          `failures:\n${end.failures.map(({ cell, reason }) => `  ${cell}: ${line(reason)}\n`).join("")}`,
        );
        throw new CheckFailed(
          `${end.unfinished} of ${end.cells} cells are not finished; the same command tries them again`,
        );
      } finally {
        progress.stop();
      }
    });
}

const line = (text: string) => text.trim().replace(/\s*[\r\n]+\s*/g, " ");

/** Rows per criterion and repair on stdout, the sum on stderr. */
async function dryRun(study: Study, { db: dir, data: dataDir, out, jobs, ...output }: Options): Promise<void> {
  const { chooseStudyJobs, openStudy, ratesOf } = await import("../../pipeline/study/study.ts");
  const { tasks, notes } = await openStudy({ dir, dataDir, study, out }, { readOnly: true });
  const rates = ratesOf(tasks);
  const rows = new Map<
    string,
    { step: string; name: string; cells: number; done: number; to_do: number; seconds: number | null }
  >();
  for (const { cells, ...network } of tasks) {
    for (const { step, kind, finished } of cells) {
      const row = rows.get(`${step} ${kind}`) ?? { step, name: kind, cells: 0, done: 0, to_do: 0, seconds: 0 };
      rows.set(`${step} ${kind}`, row);
      row.cells++;
      if (finished !== null) row.done++;
      else {
        row.to_do++;
        const seconds = rates.expect(kind, network);
        row.seconds = seconds === null || row.seconds === null ? null : row.seconds + seconds;
      }
    }
  }
  const all = [...rows.values()];
  emitRows(
    all.map(({ seconds, ...row }) => ({ ...row, hours_estimate: seconds === null ? null : seconds / 3600 })),
    output,
  );
  const sum = (field: "cells" | "done" | "to_do") => all.reduce((total, row) => total + row[field], 0);
  const left = tasks.filter(({ cells }) => cells.some(({ finished }) => finished === null));
  const workers = jobs ?? chooseStudyJobs(left);
  const seconds = all.reduce((total, row) => total + (row.seconds ?? 0), 0) / workers;
  const unknown = all.filter((row) => row.seconds === null).map(({ name }) => name);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  notes.forEach(warn);
  say(`${tasks.length} defects, ${sum("cells")} cells: ${sum("done")} done, ${sum("to_do")} to do`);
  if (sum("to_do") === 0) return;
  const open = all.filter(({ to_do }) => to_do > 0);
  if (open.every((row) => row.seconds === null)) {
    say("no estimate: no cell of these has finished yet");
    return;
  }
  say(`estimate: ${inWords(seconds)} with ${workers} job(s), from finished cells`);
  if (unknown.length > 0) say(`not in the estimate, since no cell has finished yet: ${unknown.join(", ")}`);
}
