import type { Command } from "commander";
import { CheckFailed, InputError, lookup } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import type { Database } from "../../store/database.ts";
import { BuildProgress } from "../build-progress.ts";
import { withCellProgress } from "../cell-progress.ts";
import { dataOption, dbOption, deviceOption, jobsOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";
import { RANKING_LISTING } from "../result-listings.ts";
import { resumable } from "../resumable.ts";

type Options = Pick<SharedOptions, "db" | "data" | "device"> & { jobs?: number; whole?: boolean; task: string };

/** The recipes of the demo, by task: the short one, and the longer one where there is one. */
const DEMOS = new Map([
  ["classification", { short: "demo", whole: "demowhole" }],
  ["lanes", { short: "demolanes", whole: null }],
  ["language", { short: "demolanguage", whole: null }],
]);

/** The first command of a newcomer: everything, on embedded data. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("the main job on embedded data, end to end: backdoor networks, localize, repair, score, report")
    .option(
      "--task <name>",
      "classification, on traffic signs, lanes, on roads, or language, on glosses",
      "classification",
    )
    .option("--whole", "nine candidates at base width 16 in place of six at width 8; takes about twice as long")
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(jobsOption())
    .addOption(deviceOption())
    .action(async ({ db, data, jobs, device, whole, task }: Options) => {
      const { short, whole: longer } = lookup(DEMOS, "task", task);
      if (whole && longer === null) throw new InputError(`--whole: the demo of ${task} has one size; leave it out`);
      const { loadEdition } = await import("../../pipeline/recipe/recipe.ts");
      const { makePlan } = await import("../../pipeline/plan/plan.ts");
      const { useDevice } = await import("../../pipeline/device/device.ts");
      const { runDemo } = await import("../../pipeline/demo/demo.ts");
      const { criterionTable, defectTable, repairTable } = await import("../../pipeline/demo/demo-tables.ts");
      await useDevice(device);
      const edition = loadEdition((whole && longer) || short);
      const plan = makePlan(edition, edition.select);
      const progress = new BuildProgress(plan.clean.length + plan.candidates.length);
      const began = performance.now();
      const result = await withCellProgress(async (onCell) => {
        try {
          const request = {
            dir: db,
            dataDir: data,
            edition,
            jobs,
            report: progress.report,
            onPart: (title: string) => {
              if (!title.startsWith("building")) progress.stop();
              process.stderr.write(`${title}\n`);
            },
            onCell,
          };
          return await resumable(() => runDemo(request));
        } finally {
          progress.stop();
        }
      });
      const print = (title: string, rows: Record<string, unknown>[], first: readonly string[]) => {
        process.stdout.write(`\n${title}\n`);
        emitRows(rows, { format: "table" }, { first, more: "see the report" });
      };
      print(
        "Defects, rejected ones too (rates are fractions; a sham went through the same tuning without a backdoor)",
        defectTable(result.records),
        ["id", "status", "asr", "ca", "infected", "effective", "asr_masked", "asr_sham", "ca_clean"],
      );
      for (const { id, status, reason } of result.records) {
        if (status === "rejected")
          process.stdout.write(`${id} was rejected, and nothing judges it: ${visible(reason ?? "")}\n`);
      }
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
      const faults = await verified(result.db);
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const what = `${result.records.length} defects verified: ${faults} faults`;
      process.stdout.write(`\n${what}\n${result.reportPath} (${seconds} s in all)\n`);
      if (faults > 0) throw new CheckFailed(`'bdefects verify --all --db ${db}' lists the faults`);
    });
}

/** How many faults `verify` finds in what was built. */
async function verified(db: Database): Promise<number> {
  const { verifyDatabase } = await import("../../store/verify/verify.ts");
  const { findings } = await verifyDatabase(db, db.listDefects(), true);
  return findings.filter(({ severity }) => severity === "fault").length;
}
