import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import type { BuildRequest } from "../../pipeline/build/build.ts";
import type { SlurmOptions } from "../../pipeline/executors/slurm.ts";
import type { SliceSelection } from "../../pipeline/recipe/recipe.ts";
import type { Database } from "../../store/database.ts";
import { commaList, wholeNumber } from "../arguments.ts";
import { addPlaceOptions, type PlaceOptions, shardFrom, slurmFrom } from "../build-options.ts";
import { BuildProgress } from "../build-progress.ts";
import { dataFault } from "../data-folder.ts";
import { printPlan } from "../dry-run.ts";
import {
  dataOption,
  dbOption,
  deviceOption,
  fieldsOption,
  formatOption,
  jobsOption,
  longOption,
  type SharedOptions,
} from "../options.ts";
import { emitRows, type OutputOptions } from "../output.ts";
import { resumable } from "../resumable.ts";

interface Options extends Pick<SharedOptions, "db" | "data" | "format" | "fields" | "long" | "device">, PlaceOptions {
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
  rates?: string[];
}

const FIRST = ["id", "status", "reason", "asr", "ca", "ca_clean", "asr_masked", "asr_patched", "asr_random_mask"];

/** Builds defects of an edition; what is there already is kept, so the same command resumes. */
export function registerBuild(program: Command): void {
  const command = program
    .command("build")
    .description("build defects of an edition: any slice, resumable, in parallel, here or on a cluster")
    .option("--edition <name>", "the edition, or the path of a recipe file", "lite")
    .option("--dataset <names>", "data sets, separated by commas (default: the edition's)", commaList("--dataset"))
    .option("--arch <names>", "architectures", commaList("--arch"))
    .option("--attack <names>", "attacks", commaList("--attack"))
    .option("--level <names>", "levels: narrow, small, middle, large", commaList("--level"))
    .option("--offset <percents>", "order offsets: 0, 5, …, 40", commaList("--offset"))
    .option("--style <names>", "styles: plain, discreet (attacks that lack one are left out)", commaList("--style"))
    .option("--dry-run", "print what would be built and how long it may take, and build nothing")
    .option("--rates <dirs>", "with --dry-run: further databases to estimate from", commaList("--rates"))
    .addOption(
      new Option("--seed <n>", "in place of the edition's seed").argParser(wholeNumber("--seed", 0, 2 ** 31 - 1)),
    )
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(jobsOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption());
  addPlaceOptions(command).action(async (options: Options, verb: Command) => {
    const { loadEdition, checkSelection } = await import("../../pipeline/recipe/recipe.ts");
    const { makePlan } = await import("../../pipeline/plan/plan.ts");
    const { shardOf } = await import("../../pipeline/plan/shard.ts");
    const edition = loadEdition(options.edition);
    if (options.seed !== undefined) edition.seed = options.seed;
    const select = sliceOf(edition.select, options);
    checkSelection(select);
    const shard = shardFrom(options);
    const slurm = slurmFrom(options);
    const { useDevice } = await import("../../pipeline/device/device.ts");
    await useDevice(options.device, slurm ? "elsewhere" : "here");
    if (options.dryRun)
      return printPlan({ ...options, dataFault: dataFault(verb) }, edition, select, shard, slurm ? "slurm" : "here");
    const plan = shardOf(makePlan(edition, select), shard);
    const progress = new BuildProgress(plan.clean.length + plan.candidates.length);
    const request = {
      ...{ dir: options.db, dataDir: options.data, jobs: options.jobs },
      ...{ edition, select, shard, report: progress.report },
    };
    try {
      const db = slurm
        ? await resumable(() => submitBuild(request, slurm, options), SUBMITTED)
        : await resumable(() => buildHere(request));
      progress.stop();
      if (!db) return;
      const { defectRow } = await import("../../records/defect-row.ts");
      const rows = plan.candidates.map(({ id }) => defectRow(db.readDefect(id)));
      emitRows(rows, options, { first: FIRST, text: "reason" });
    } finally {
      progress.stop();
    }
  });
}

/** What an interrupt of the command that waits for the cluster means. */
const SUBMITTED = "tasks that were submitted go on, and the same command waits for them again";

async function buildHere(request: BuildRequest): Promise<Database> {
  const { build } = await import("../../pipeline/build/build.ts");
  return (await build(request)).db;
}

/** @returns null where nobody waits for the end; the job is then told instead of what became of the candidates. */
async function submitBuild(
  request: BuildRequest,
  slurm: SlurmOptions,
  output: OutputOptions,
): Promise<Database | null> {
  const { buildOnSlurm } = await import("../../pipeline/executors/slurm.ts");
  const { db, job, indexJob, tasks, plan } = await buildOnSlurm(request, slurm);
  if (slurm.wait) return db;
  emitRows([{ job, index_job: indexJob, tasks, candidates: plan.candidates.length }], output);
  return null;
}

/** The edition's selection; what an option names takes the place of every value of its kind. */
function sliceOf(own: SliceSelection, { dataset, arch, attack, level, offset, style }: Options): SliceSelection {
  const given = { dataset, arch, attack, level, offset: offset?.map(offsetNumber), style };
  const named = Object.fromEntries(Object.entries(given).filter(([, values]) => values !== undefined));
  const { also = [], ...first } = own;
  return { ...first, ...named, also: also.map((further) => ({ ...further, ...named })) };
}

function offsetNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InputError(`--offset '${text}': give percents such as 0,5,10`);
}
