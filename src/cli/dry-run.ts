import { availableParallelism } from "node:os";
import { InputError } from "../core/errors.ts";
import { STYLES, type Style } from "../core/ids.ts";
import type { checkData } from "../pipeline/build/build.ts";
import type { ModelEstimate } from "../pipeline/estimate/estimate.ts";
import type { Plan } from "../pipeline/plan/plan.ts";
import type { Shard } from "../pipeline/plan/shard.ts";
import type { Edition, SliceSelection } from "../pipeline/recipe/recipe.ts";
import { emitRows, type OutputOptions } from "./output.ts";

export interface DryRunOptions extends OutputOptions {
  db: string;
  data: string;
  /** What is wrong with that folder, which is said in the end. */
  dataFault: InputError | null;
  jobs?: number;
  /** Further databases whose records tell rates. */
  rates?: string[];
}

/**
 * Prints what a build would make, one row per candidate, and on stderr the totals with what they are estimated from.
 * Writes nothing, and refuses what the build would refuse. Data that are not at hand are refused in the end: the hours are
 * wanted before the download.
 *
 * @throws InputError as the build would
 */
export async function printPlan(
  { db: dir, data, dataFault, jobs, rates: others = [], ...output }: DryRunOptions,
  edition: Edition,
  select: SliceSelection,
  shard: Shard | undefined,
  place: "here" | "slurm",
): Promise<void> {
  const { planBuild } = await import("../pipeline/build/build.ts");
  const { memoryLimit } = await import("../pipeline/estimate/memory-limit.ts");
  const { makePlan } = await import("../pipeline/plan/plan.ts");
  const { productsOf } = await import("../pipeline/recipe/recipe.ts");
  const { shardOf } = await import("../pipeline/plan/shard.ts");
  const { estimatePlan, wallSeconds } = await import("../pipeline/estimate/estimate.ts");
  const { areOfOneTask, measuredRates, shippedRates } = await import("../pipeline/estimate/rates.ts");
  const { chooseJobs } = await import("../pipeline/build/jobs.ts");
  const { taskOfDataset } = await import("../tasks/registry.ts");
  const { isDatabase, openDatabase } = await import("../store/database.ts");

  const request = { dir, dataDir: data, edition, select, shard };
  if (place === "slurm") await (await import("../pipeline/executors/slurm-client.ts")).requireSlurm();
  const plan = await planBuild(request, place === "here" ? memoryLimit() : undefined);
  const missing = await missingData(request, plan);
  const db = isDatabase(dir) ? await openDatabase(dir, { readOnly: true }) : null;
  const shipped = shippedRates();
  // The closest rate is taken; of equally close ones the first.
  const rates = db ? measuredRates(db, data) : [];
  for (const other of others) rates.push(...measuredRates(await openDatabase(other, { readOnly: true }), data));
  const own = rates.reduce((sum, { count }) => sum + count, 0);
  rates.push(...shipped.flatMap((table) => table.rates));
  const estimate = await estimatePlan(edition, plan, rates, data, db);
  emitRows(
    estimate.candidates.map(({ id, clean, seconds, bytes, basis, from }) => ({
      ...{
        id,
        clean,
        seconds_estimate: seconds === null ? null : round(seconds),
        bytes_estimate: bytes === null ? null : Math.round(bytes),
        basis,
        estimated_from: from,
      },
    })),
    output,
    { first: ["id", "seconds_estimate", "bytes_estimate", "basis", "clean"] },
  );

  const { clean, candidates, images } = estimate;
  const left = [...clean, ...candidates].filter(({ basis }) => basis !== "built").length;
  const workers = jobs ?? chooseJobs(edition, plan, left).jobs;
  const cores = availableParallelism();
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say(`candidates: ${count(candidates)}${perStyle(candidates)}`);
  for (const style of STYLES) {
    if (productsOf(select).some((product) => product.style.includes(style))) continue;
    const further = shardOf(makePlan(edition, withStyle(select, style)), shard);
    if (further.candidates.length === 0) continue;
    const { candidates: more } = await estimatePlan(edition, further, rates, data, db);
    say(`not selected: ${count(more)} ${style} (--style ${style}; ${hours(more)} hours one after the other)`);
  }
  say(`clean models: ${count(clean)}`);
  for (const [name, { train, test, counted }] of images) {
    say(
      `${name}: ${train} training and ${test} test ${taskOfDataset(name).words.samples} (${counted ? "as they are there" : "the official numbers; no files there"})`,
    );
  }
  const bytes = [...clean, ...candidates].reduce((sum, model) => sum + (model.bytes ?? 0), 0);
  const together = isUnmeasured([...clean, ...candidates])
    ? UNKNOWN
    : show(wallSeconds(edition, estimate, workers, cores) / 3600);
  say(
    `estimate: ${together} hours with ${workers} job(s) on ${cores} cores` +
      ` (one after the other: clean models ${hours(clean)}, candidates ${hours(candidates)} hours), ${show(bytes / 1e9)} GB`,
  );
  say(
    `clean models from: ${bases(clean)}; candidates from: ${bases(candidates)} ('scaled': by multiply-adds of other models)`,
  );
  const given = own > 0 ? `${own} record(s) of the databases given; else ` : "";
  const unknown = [...clean, ...candidates].filter(({ basis }) => basis === "unknown").length;
  if (unknown > 0) {
    say(
      `not in the estimate: ${unknown} models, since nothing like them was measured; name a database of such with --rates`,
    );
  }
  const used = shipped.filter((table) =>
    table.rates.some(({ dataset }) => [...images.keys()].some((name) => areOfOneTask(dataset, name))),
  );
  for (const { machine, command } of used) say(`rates: ${given}${machine}, from '${command}'`);
  const fault = dataFault ?? missing;
  if (fault) throw fault;
}

/** What the build would say of data that are not there at all; null where all are. @throws InputError where they are there, and no good */
async function missingData(request: Parameters<typeof checkData>[0], plan: Plan): Promise<InputError | null> {
  const { checkData } = await import("../pipeline/build/build.ts");
  const { datasetSize } = await import("../pipeline/estimate/dataset-size.ts");
  const isThere = (dataset: string) => datasetSize(dataset, request.dataDir)?.counted !== false;
  await checkData(request, { ...plan, clean: plan.clean.filter(({ dataset }) => isThere(dataset)) });
  try {
    await checkData(request, { ...plan, clean: plan.clean.filter(({ dataset }) => !isThere(dataset)) });
    return null;
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

const UNKNOWN = "unknown";

/** Whether there is something left to build, and nothing like any of it was measured. */
function isUnmeasured(models: ModelEstimate[]): boolean {
  const left = models.filter(({ basis }) => basis !== "built");
  return left.length > 0 && left.every(({ basis }) => basis === UNKNOWN);
}

/** Of those that are known. No number where none is: a build that takes no time is none. */
function hours(models: ModelEstimate[]): string {
  if (isUnmeasured(models)) return UNKNOWN;
  return show(models.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) / 3600);
}

/** The same selection in another style. */
function withStyle({ also = [], ...first }: SliceSelection, style: Style): SliceSelection {
  return { ...first, style: [style], also: also.map((further) => ({ ...further, style: [style] })) };
}

function count(models: ModelEstimate[]): string {
  const built = models.filter(({ basis }) => basis === "built").length;
  return `${models.length}${built > 0 ? `, of which ${built} are built` : ""}`;
}

function perStyle(candidates: ModelEstimate[]): string {
  const counts = new Map<string, number>();
  for (const { style } of candidates) if (style) counts.set(style, (counts.get(style) ?? 0) + 1);
  return counts.size === 0 ? "" : ` (${[...counts].map(([style, number]) => `${number} ${style}`).join(", ")})`;
}

function bases(models: ModelEstimate[]): string {
  const counts = new Map<string, number>();
  for (const { basis } of models) if (basis !== "built") counts.set(basis, (counts.get(basis) ?? 0) + 1);
  return counts.size === 0 ? "nothing left" : [...counts].map(([basis, number]) => `${number} ${basis}`).join(", ");
}

const round = (value: number) => Number(value.toFixed(1));
const show = (value: number) => (value >= 10 ? value.toFixed(0) : value.toPrecision(2));
