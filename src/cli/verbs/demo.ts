import type { Command } from "commander";
import { BuildProgress } from "../build-progress.ts";
import { withCellProgress } from "../cell-progress.ts";
import { dataOption, dbOption, deviceOption, jobsOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";
import { RANKING_LISTING } from "../result-listings.ts";

type Options = Pick<SharedOptions, "db" | "data" | "device"> & { jobs?: number; whole?: boolean };

/** The first command of a newcomer: everything, on embedded data. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("the main job on embedded data, end to end: backdoor networks, localize, repair, score, report")
    .option("--whole", "nine candidates at base width 16 in place of six at width 8; takes about twice as long")
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(jobsOption())
    .addOption(deviceOption())
    .action(async ({ db, data, jobs, device, whole }: Options) => {
      const { loadEdition } = await import("../../pipeline/recipe/recipe.ts");
      const { makePlan } = await import("../../pipeline/plan/plan.ts");
      const { useDevice } = await import("../../pipeline/device/device.ts");
      const { runDemo } = await import("../../pipeline/demo/demo.ts");
      const { criterionTable, defectTable, repairTable } = await import("../../pipeline/demo/demo-tables.ts");
      await useDevice(device);
      const edition = loadEdition(whole ? "demowhole" : "demo");
      const plan = makePlan(edition, edition.select);
      const progress = new BuildProgress(plan.clean.length + plan.candidates.length);
      const began = performance.now();
      const result = await withCellProgress(async (onCell) => {
        try {
          return await runDemo({
            dir: db,
            dataDir: data,
            edition,
            jobs,
            report: progress.report,
            onPart: (title) => {
              if (!title.startsWith("building")) progress.stop();
              process.stderr.write(`${title}\n`);
            },
            onCell,
          });
        } finally {
          progress.stop();
        }
      });
      const print = (title: string, rows: Record<string, unknown>[], first: readonly string[]) => {
        process.stdout.write(`\n${title}\n`);
        emitRows(rows, { format: "table" }, { first, more: "see the report" });
      };
      print(
        "Defects (rates are fractions; a sham went through the same tuning without a backdoor)",
        defectTable(result.records),
        ["id", "status", "asr", "ca", "infected", "effective", "asr_masked", "asr_sham", "ca_clean"],
      );
      print(
        "Criteria, best first: WJI of the top-k set against the effective neurons, on infected models, on shams, and the difference",
        criterionTable(result.ranking),
        RANKING_LISTING.first ?? [],
      );
      print(
        "Repairs: attack success and clean accuracy before and after, means over groups and levels",
        repairTable(result.repairs),
        ["method", "using", "asr_after", "ca_after", "asr_before", "ca_before", "defects", "budget"],
      );
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      process.stdout.write(`\n${result.reportPath} (${seconds} s in all)\n`);
    });
}
