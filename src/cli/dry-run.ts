import { availableParallelism } from "node:os";
import { STYLES, type Style } from "../core/ids.ts";
import type { ModelEstimate } from "../pipeline/estimate.ts";
import type { Edition, SliceSelection } from "../pipeline/recipe.ts";
import type { Shard } from "../pipeline/shard.ts";
import { emitRows, type OutputOptions } from "./output.ts";

export interface DryRunOptions extends OutputOptions {
  db: string;
  data: string;
  jobs?: number;
  /** Further databases whose records tell rates. */
  rates?: string[];
}

/**
 * Prints what a build would make, one row per candidate, and on stderr the totals with what they are estimated from.
 * Writes nothing and needs no data.
 */
export async function printPlan(
  { db: dir, data, jobs, rates: others = [], ...output }: DryRunOptions,
  edition: Edition,
  select: SliceSelection,
  shard?: Shard,
): Promise<void> {
  const { makePlan } = await import("../pipeline/plan.ts");
  const { productsOf } = await import("../pipeline/recipe.ts");
  const { shardOf } = await import("../pipeline/shard.ts");
  const { estimatePlan, wallSeconds } = await import("../pipeline/estimate.ts");
  const { measuredRates, shippedRates } = await import("../pipeline/rates.ts");
  const { chooseJobs } = await import("../pipeline/jobs.ts");
  const { isDatabase, openDatabase } = await import("../store/database.ts");

  const plan = shardOf(makePlan(edition, select), shard);
  const db = isDatabase(dir) ? await openDatabase(dir, { readOnly: true }) : null;
  const shipped = shippedRates();
  // The closest rate is taken; of equally close ones the first.
  const rates = db ? measuredRates(db, data) : [];
  for (const other of others) rates.push(...measuredRates(await openDatabase(other, { readOnly: true }), data));
  const own = rates.reduce((sum, { count }) => sum + count, 0);
  rates.push(...shipped.rates);
  const estimate = await estimatePlan(edition, plan, rates, data, db);
  emitRows(
    estimate.candidates.map(({ id, clean, seconds, bytes, basis, from }) => ({
      ...{
        id,
        clean,
        seconds_estimate: round(seconds),
        bytes_estimate: Math.round(bytes),
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
  const hours = (models: ModelEstimate[]) => models.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say(`candidates: ${count(candidates)}${perStyle(candidates)}`);
  for (const style of STYLES) {
    if (productsOf(select).some((product) => product.style.includes(style))) continue;
    const further = shardOf(makePlan(edition, withStyle(select, style)), shard);
    if (further.candidates.length === 0) continue;
    const { candidates: more } = await estimatePlan(edition, further, rates, data, db);
    say(`not selected: ${count(more)} ${style} (--style ${style}; ${show(hours(more))} hours one after the other)`);
  }
  say(`clean models: ${count(clean)}`);
  for (const [name, { train, test, counted }] of images) {
    say(
      `${name}: ${train} training and ${test} test images (${counted ? "as they are there" : "the official numbers; no files there"})`,
    );
  }
  const bytes = [...clean, ...candidates].reduce((sum, model) => sum + model.bytes, 0);
  say(
    `estimate: ${show(wallSeconds(edition, estimate, workers, cores) / 3600)} hours with ${workers} job(s) on ${cores} cores` +
      ` (one after the other: clean models ${show(hours(clean))}, candidates ${show(hours(candidates))} hours), ${show(bytes / 1e9)} GB`,
  );
  say(
    `clean models from: ${bases(clean)}; candidates from: ${bases(candidates)} ('scaled': by multiply-adds of other models)`,
  );
  const given = own > 0 ? `${own} record(s) of the databases given; else ` : "";
  say(`rates: ${given}${shipped.machine}, from '${shipped.command}'`);
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
