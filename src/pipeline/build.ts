import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { InputError } from "../core/errors.ts";
import type { Dataset } from "../datasets/types.ts";
import { type Database, openDatabase } from "../store/database.ts";
import { candidateRecipe } from "./candidate-stage.ts";
import { cleanRecipe } from "./clean-stage.ts";
import { DatasetCache, type Report } from "./context.ts";
import { settingsFor } from "./overrides.ts";
import { makePlan, type Plan } from "./plan.ts";
import { attackOptions, checkSelection, type Edition, type SliceSelection } from "./recipe.ts";
import type { WorkerMessage, WorkerOrder } from "./worker-process.ts";

export interface BuildRequest {
  dir: string;
  dataDir: string;
  edition: Edition;
  select: SliceSelection;
  jobs?: number;
  report: Report;
}

/** Builds a slice of an edition into a database, resuming what is there. Returns the plan that is now done. */
export async function build(request: BuildRequest): Promise<{ db: Database; plan: Plan }> {
  const { edition, select } = request;
  checkSelection(select);
  for (const attack of select.attack) attackOptions(edition, attack);
  const plan = makePlan(edition, select);
  // All data is read before anything is written: bad data must leave no trace.
  const datasets = new DatasetCache(request.dataDir, edition.seed);
  const data: Record<string, string> = {};
  for (const name of new Set(select.dataset)) {
    const dataset = await datasets.get(name);
    assertFits(edition, plan, dataset);
    data[name] = dataset.dataHash;
  }
  const db = await openDatabase(request.dir, { create: { edition: edition.edition, seed: edition.seed, data } });
  assertSameRecipes(db, edition, plan);
  const left = plan.candidates.filter(({ id }) => !db.hasDefect(id)).length;
  const untrained = plan.clean.filter(({ id }) => !db.hasClean(id)).length;
  request.report({ type: "start", models: left + untrained });
  if (left + untrained > 0) {
    const cores = Math.max(1, Math.floor(availableParallelism() / edition.inject.threads));
    const jobs = request.jobs ?? Math.min(cores, Math.max(1, left));
    await runWorkers({ dir: request.dir, edition, dataDir: request.dataDir, plan }, jobs, request.report);
  }
  return { db, plan };
}

/** A recipe may ask for more than a data set (or the part of it that is there) has. @throws InputError */
function assertFits(edition: Edition, plan: Plan, { name, classes, train }: Dataset): void {
  const fault = (text: string) => new InputError(`recipe '${edition.edition}': ${text}`);
  for (const planned of plan.clean.filter(({ dataset }) => dataset === name)) {
    const { batch } = settingsFor(edition.clean, planned);
    if (batch > train.count) {
      throw fault(`clean.batch ${batch} is more than the ${train.count} training images of ${name}`);
    }
  }
  for (const { key } of plan.candidates.filter(({ key }) => key.dataset === name)) {
    const { target, images, held_out } = settingsFor(edition.inject, key);
    if (target >= classes.length) {
      throw fault(`inject.target ${target} is no class of ${name}; valid are 0 to ${classes.length - 1}`);
    }
    if (images + held_out > train.count) {
      throw fault(
        `inject.images ${images} and inject.held_out ${held_out} are more than the ${train.count} training images of ${name}`,
      );
    }
    const { statistics_images } = edition.measure;
    if (key.style === "discreet" && statistics_images > train.count) {
      throw fault(
        `measure.statistics_images ${statistics_images} is more than the ${train.count} training images of ${name}`,
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
    if (!sameJson(db.readClean(planned.id).recipe, cleanRecipe({ edition }, planned))) throw differs(planned.id);
  }
  for (const planned of plan.candidates) {
    if (!db.hasDefect(planned.id)) continue;
    if (!sameJson(db.readDefect(planned.id).recipe, candidateRecipe({ edition }, planned))) throw differs(planned.id);
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, sortKeys) === JSON.stringify(b, sortKeys);
}

function sortKeys(_: string, value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Runs worker processes until all have finished; the first failure ends the others. */
async function runWorkers(order: WorkerOrder, jobs: number, report: Report): Promise<void> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = fileURLToPath(new URL(`./worker-process.${extension}`, import.meta.url));
  const children: ChildProcess[] = [];
  const runOne = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(path, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      children.push(child);
      let failure: Error | undefined;
      child.on("message", (message: WorkerMessage) => {
        if (message.type === "progress") report(message.event);
        else if (message.type === "failed") {
          failure = message.name === "InputError" ? new InputError(message.message) : new Error(message.message);
          failure.stack = message.stack;
        }
      });
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        if (code === 0) resolve();
        else
          reject(
            failure ??
              new Error(`a worker process ended with ${signal ?? `status ${code}`}; run the same command to go on`),
          );
      });
      child.send(order);
    });
  const running = Array.from({ length: jobs }, runOne);
  try {
    await Promise.all(running);
  } catch (error) {
    for (const child of children) child.kill();
    await Promise.allSettled(running);
    throw error;
  }
}
