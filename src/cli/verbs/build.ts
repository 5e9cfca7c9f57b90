import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import { commaList, wholeNumber } from "../arguments.ts";
import { BuildProgress } from "../build-progress.ts";
import { dataOption, dbOption, formatOption, jobsOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

interface Options extends Pick<SharedOptions, "db" | "data" | "format"> {
  edition: string;
  seed?: number;
  jobs?: number;
  dataset?: string[];
  arch?: string[];
  attack?: string[];
  level?: string[];
  offset?: string[];
  style?: string[];
  dryRun?: boolean;
}

const COLUMNS = ["id", "status", "reason", "ca_clean", "ca", "asr", "asr_masked", "asr_patched", "asr_random_mask"];

/** Builds defects of an edition; what is there already is kept, so the same command resumes. */
export function registerBuild(program: Command): void {
  program
    .command("build")
    .description("build defects of an edition: any slice, resumable, in parallel")
    .option("--edition <name>", "the edition, or the path of a recipe file", "lite")
    .option("--dataset <names>", "data sets, separated by commas (default: the edition's)", commaList("--dataset"))
    .option("--arch <names>", "architectures", commaList("--arch"))
    .option("--attack <names>", "attacks", commaList("--attack"))
    .option("--level <names>", "levels: narrow, small, middle, large", commaList("--level"))
    .option("--offset <percents>", "order offsets: 0, 5, …, 40", commaList("--offset"))
    .option("--style <names>", "styles: plain, discreet (attacks that lack one are left out)", commaList("--style"))
    .option("--dry-run", "print what would be built, and build nothing")
    .addOption(new Option("--executor <kind>", "where to build").choices(["local"]).default("local"))
    .addOption(
      new Option("--seed <n>", "in place of the edition's seed").argParser(wholeNumber("--seed", 0, 2 ** 31 - 1)),
    )
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(jobsOption())
    .addOption(formatOption())
    .action(async (options: Options) => {
      const { loadEdition, checkSelection } = await import("../../pipeline/recipe.ts");
      const { makePlan } = await import("../../pipeline/plan.ts");
      const edition = loadEdition(options.edition);
      if (options.seed !== undefined) edition.seed = options.seed;
      const select = {
        dataset: options.dataset ?? edition.select.dataset,
        arch: options.arch ?? edition.select.arch,
        attack: options.attack ?? edition.select.attack,
        level: (options.level ?? edition.select.level) as typeof edition.select.level,
        offset: options.offset?.map(offsetNumber) ?? edition.select.offset,
        style: (options.style ?? edition.select.style) as typeof edition.select.style,
      };
      checkSelection(select);
      const plan = makePlan(edition, select);
      if (options.dryRun) {
        emitRows(
          plan.candidates.map(({ id, clean }) => ({ id, clean })),
          options.format,
        );
        return;
      }
      const { build } = await import("../../pipeline/build.ts");
      const { defectRow } = await import("../../store/rows.ts");
      const progress = new BuildProgress(plan.clean.length + plan.candidates.length);
      try {
        const { dir, dataDir, jobs } = { dir: options.db, dataDir: options.data, jobs: options.jobs };
        const { db } = await build({ dir, dataDir, edition, select, jobs, report: progress.report });
        progress.stop();
        const rows = plan.candidates.map(({ id }) => defectRow(db.readDefect(id)));
        emitRows(rows, options.format, options.format === "table" ? COLUMNS : undefined);
      } finally {
        progress.stop();
      }
    });
}

function offsetNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InputError(`--offset '${text}': give percents such as 0,5,10`);
}
