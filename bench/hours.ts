import { Command } from "commander";
import { dbOption, formatOption, outOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { loadStudy } from "../src/pipeline/study/recipe.ts";
import { openStudy, ratesOf } from "../src/pipeline/study/study.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/hours.ts STUDY --db DB --out DIR`: hours of one thread that a study's finished cells took, with measuring what was
 * repaired. `steady_hours`: with cells that took more than four times the median of their kind on their network cut to
 * that, since they were stopped in between or ran beside other work.
 */

interface Options {
  db: string;
  out?: string;
  format: Format;
}

const program = new Command("hours")
  .description("Hours that the finished cells of a study took on one thread")
  .argument("[recipe]", "the path of a recipe file, or a shipped study's name (default: study)")
  .addOption(dbOption())
  .addOption(outOption())
  .addOption(formatOption());

await runBench(program, main);

async function main({ db: dir, out, format }: Options, [recipe = "study"]: string[]): Promise<void> {
  const { tasks } = await openStudy({ dir, study: loadStudy(recipe), out }, { readOnly: true });
  const rates = ratesOf(tasks);
  const rows = new Map<string, { step: string; finished: number; hours: number; steady_hours: number }>();
  for (const { cells, ...network } of tasks) {
    for (const { step: verb, kind, finished } of cells) {
      if (finished === null) continue;
      const step = verb === "localize" ? verb : kind;
      const row = rows.get(step) ?? { step, finished: 0, hours: 0, steady_hours: 0 };
      rows.set(step, row);
      row.finished++;
      row.hours += finished / 3600;
      row.steady_hours += rates.expect(kind, network)! / 3600;
    }
  }
  emitRows([...rows.values()], format);
}
