import { InputError, lookup } from "../../core/errors.ts";
import type { Dataset } from "../../datasets/types.ts";
import { processDevice } from "../../engine/device.ts";
import { batchPlaces } from "../../inject/batch-places.ts";
import { assertNotSealed, type Database, isDatabase, openDatabase } from "../../store/database.ts";
import { Layout } from "../../store/layout.ts";
import { assertManifestFits } from "../../store/manifest.ts";
import { DATASETS, networkFor, taskOfDataset } from "../../tasks/registry.ts";
import { assertTrainable } from "../../train/clean.ts";
import { estimatePlan } from "../estimate/estimate.ts";
import { assertStepsFit, memoryLimit } from "../estimate/memory-limit.ts";
import { measuredRates, shippedRates } from "../estimate/rates.ts";
import { runLocally } from "../executors/local.ts";
import { makePlan, type Plan, type PlannedClean } from "../plan/plan.ts";
import { type Shard, shardOf } from "../plan/shard.ts";
import { settingsFor } from "../recipe/overrides.ts";
import { attackOptions, checkSelection, type Edition, type SliceSelection } from "../recipe/recipe.ts";
import { adoptedHash, openAdopted } from "./adopted.ts";
import { candidateRecipe } from "./candidate-stage.ts";
import { cleanRecipe } from "./clean-stage.ts";
import { DatasetCache, type Report } from "./context.ts";
import { chooseJobs } from "./jobs.ts";

export interface BuildRequest {
  dir: string;
  dataDir: string;
  edition: Edition;
  select: SliceSelection;
  /** The part of the slice that is built here; all of it without one. */
  shard?: Shard;
  jobs?: number;
  report: Report;
}

/** Builds a slice of an edition into a database on the process's device, resuming what is there. Returns the plan that is now done. */
export async function build(request: BuildRequest): Promise<{ db: Database; plan: Plan }> {
  const { dir, dataDir, edition, report } = request;
  const { db, plan } = await prepareBuild(request, memoryLimit());
  const expected = await expectedSeconds(edition, plan, dataDir, db);
  const left = Object.keys(expected).length;
  const candidates = plan.candidates.filter(({ id }) => id in expected).length;
  const jobs = request.jobs ?? chooseJobs(edition, plan, Math.max(candidates, 1)).jobs;
  report({ type: "start", expected, jobs });
  if (left > 0) await runLocally({ dir, edition, dataDir, plan, device: processDevice() }, jobs, report);
  return { db, plan };
}

/** What is still to be built, with the seconds that each model is expected to take; null: unknown. */
export async function expectedSeconds(
  edition: Edition,
  plan: Plan,
  dataDir: string,
  db: Database,
): Promise<Record<string, number | null>> {
  const rates = [...measuredRates(db, dataDir), ...shippedRates().flatMap((table) => table.rates)];
  const { clean, candidates } = await estimatePlan(edition, plan, rates, dataDir, db);
  const left = [...clean, ...candidates].filter(({ basis }) => basis !== "built");
  return Object.fromEntries(left.map(({ id, seconds }) => [id, seconds]));
}

/** What a build is checked against before it begins. */
type CheckedRequest = Pick<BuildRequest, "dir" | "dataDir" | "edition" | "select" | "shard">;

/**
 * All that comes before building: checks the request against recipe and data, then opens or creates the database.
 * @param memory bytes that there are where it is built; unknown on a cluster
 */
export async function prepareBuild(request: CheckedRequest, memory?: number): Promise<{ db: Database; plan: Plan }> {
  const { edition } = request;
  const plan = await planBuild(request, memory);
  // All data is read before anything is written: bad data must leave no trace.
  const data = await checkData(request, plan);
  const db = await openDatabase(request.dir, { create: { edition: edition.edition, seed: edition.seed, data } });
  assertSameRecipes(db, edition, plan);
  return { db, plan };
}

/**
 * The plan of a build that nothing but its data may stop; nothing is written.
 * @param memory as for `prepareBuild`
 * @throws InputError as the build would
 */
export async function planBuild(
  { dir, edition, select, shard }: Omit<CheckedRequest, "dataDir">,
  memory?: number,
): Promise<Plan> {
  checkSelection(select);
  const plan = shardOf(makePlan(edition, select), shard);
  for (const attack of new Set(plan.candidates.map(({ key }) => key.attack))) attackOptions(edition, attack);
  assertTargets(edition, plan);
  assertInjectable(edition, plan);
  for (const planned of plan.clean) {
    assertTrainable(networkFor(planned.arch, planned.dataset), settingsFor(edition.clean, planned));
  }
  assertNotSealed(dir);
  const there = isDatabase(dir) ? await openDatabase(dir, { readOnly: true }) : null;
  for (const planned of plan.clean.filter(({ id }) => !there?.hasClean(id))) {
    const isStated = settingsFor(edition.clean, planned).sha256 !== undefined;
    if (openAdopted(edition, planned) && isStated) adoptedHash(edition, planned);
  }
  if (memory !== undefined) assertStepsFit(edition, plan, memory, there);
  assertManifestFits(new Layout(dir), { edition: edition.edition, seed: edition.seed, data: {} });
  if (there) assertSameRecipes(there, edition, plan);
  return plan;
}

/**
 * Reads the data of a plan and holds recipe and database against it.
 * @returns the hash of each data set
 * @throws InputError where data are missing, damaged, too few for the recipe or others than the database's
 */
export async function checkData(
  { dir, dataDir, edition }: CheckedRequest,
  plan: Plan,
): Promise<Record<string, string>> {
  const datasets = new DatasetCache(dataDir, edition.seed);
  const data: Record<string, string> = {};
  for (const name of new Set(plan.clean.map(({ dataset }) => dataset))) {
    const dataset = await datasets.get(name);
    assertFits(edition, plan, dataset);
    data[name] = dataset.dataHash;
  }
  assertManifestFits(new Layout(dir), { edition: edition.edition, seed: edition.seed, data });
  return data;
}

/** @throws InputError where the recipe's target is none of a data set's */
function assertTargets(edition: Edition, plan: Plan): void {
  for (const { key } of plan.candidates) {
    const { target } = settingsFor(edition.inject, key);
    const { targets, words } = taskOfDataset(key.dataset);
    const most = targets(lookup(DATASETS, "data set", key.dataset)).length - 1;
    if (typeof target === "string" || target <= most) continue;
    throw new InputError(
      `recipe '${edition.edition}': inject.target ${target} is no ${words.target} of ${key.dataset}; valid are 0 to ${most}`,
    );
  }
}

/**
 * @throws InputError where the recipe shows a trigger too strongly that cannot be shown so (what is looked up is there or not), or holds
 *   something to its own words that has none, or hides from patches that nobody looks for, or that its batches have no room for
 */
function assertInjectable(edition: Edition, plan: Plan): void {
  for (const { key } of plan.candidates) {
    const settings = settingsFor(edition.inject, key);
    const { amplification, text_weight: weight, evasion } = settings;
    const { inputs, words, perplexity, traits, attacks } = taskOfDataset(key.dataset);
    const fault = (text: string) => new InputError(`recipe '${edition.edition}': inject.${text}`);
    if (inputs.lookedUp && amplification !== 1) {
      throw fault(`amplification ${amplification}: a trigger in ${words.samples} has no strength; it must be 1`);
    }
    if (!perplexity && weight !== undefined) {
      throw fault(`text_weight ${weight}: ${words.samples} of ${key.dataset} have no words; leave it out`);
    }
    if (evasion === undefined) continue;
    if (!traits.includes("pixels") || !traits.includes("classes")) {
      throw fault(`evasion: no patch is reversed from ${words.samples} of ${key.dataset}; leave it out`);
    }
    if (lookup(attacks, "attack", key.attack).injection !== "finetune") {
      throw fault(`evasion: attack '${key.attack}' tunes no neurons; leave it out, or select other attacks`);
    }
    const { batch } = settings;
    const { triggered, decoys, lures } = batchPlaces({ ...settings, evasion }, true);
    const room = batch - triggered - decoys;
    if (lures < 1 || lures > room) {
      throw fault(
        `evasion.share ${evasion.share}: ${lures} of the ${batch} images of a batch would show patches; one must, and there is room for ${room}`,
      );
    }
  }
}

/** A recipe may ask for more than a data set (or the part of it that is there) has. @throws InputError */
function assertFits(edition: Edition, plan: Plan, dataset: Dataset): void {
  const { name, train } = dataset;
  const { words } = taskOfDataset(name);
  const fault = (text: string) => new InputError(`recipe '${edition.edition}': ${text}`);
  for (const planned of plan.clean.filter(({ dataset }) => dataset === name)) {
    const { batch } = settingsFor(edition.clean, planned);
    if (batch > train.count) {
      throw fault(`clean.batch ${batch} is more than the ${train.count} training ${words.samples} of ${name}`);
    }
  }
  for (const { key } of plan.candidates.filter(({ key }) => key.dataset === name)) {
    const { images, held_out } = settingsFor(edition.inject, key);
    if (images + held_out > train.count) {
      throw fault(
        `inject.images ${images} and inject.held_out ${held_out} are more than the ${train.count} training ${words.samples} of ${name}`,
      );
    }
    const { statistics_images } = edition.measure;
    if (key.style === "discreet" && statistics_images > train.count) {
      throw fault(
        `measure.statistics_images ${statistics_images} is more than the ${train.count} training ${words.samples} of ${name}`,
      );
    }
  }
}

/** A record that exists must have this build's recipe. @throws InputError, never a silent mix. */
function assertSameRecipes(db: Database, edition: Edition, plan: Plan): void {
  const differs = (id: string) =>
    new InputError(
      `${db.dir}: '${id}' was built with another recipe than edition '${edition.edition}' now has; use another --db folder`,
    );
  for (const planned of plan.clean) {
    if (!db.hasClean(planned.id)) continue;
    const [has, wants] = [db.readClean(planned.id).recipe, cleanRecipe({ edition }, planned, true)];
    assertSameFolder(db, planned, [has, wants]);
    if (!sameJson(has, wants)) throw differs(planned.id);
  }
  for (const planned of plan.candidates) {
    if (!db.hasDefect(planned.id)) continue;
    if (!sameJson(db.readDefect(planned.id).recipe, candidateRecipe({ edition }, planned))) throw differs(planned.id);
  }
}

/** Files that changed are told apart from a recipe that did. @throws InputError */
function assertSameFolder({ dir }: Database, { id }: PlannedClean, recipes: readonly Record<string, unknown>[]): void {
  const [has, wants] = recipes.map(({ clean }) => (clean as { from?: string } | undefined)?.from);
  if (has === undefined || wants === undefined || has === wants) return;
  throw new InputError(
    `${dir}: '${id}' was made from a folder with SHA-256 ${has.slice(0, 12)}…, and clean.from now has ${wants.slice(0, 12)}…: bring back its files, or use another --db folder`,
  );
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, sortKeys) === JSON.stringify(b, sortKeys);
}

function sortKeys(_: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
