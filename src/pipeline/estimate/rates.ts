import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import type { Network } from "../../graph/network.ts";
import type { InjectSettings, MeasureRecipe } from "../../inject/recipe.ts";
import { type CleanRecord, gridOf } from "../../records/clean.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { type Rate, type RateTable, rateTable } from "../../records/rates.ts";
import type { Database } from "../../store/database.ts";
import { buildNetwork, DATASETS, taskOfDataset } from "../../tasks/registry.ts";
import type { TrainRecipe } from "../../train/clean.ts";
import { datasetSize } from "./dataset-size.ts";
import { candidateWork, changedValues, cleanValues, cleanWork } from "./work.ts";

const RECIPES = fileURLToPath(new URL("../../../recipes/", import.meta.url));
/** Tables of measurements on one machine each. */
const SHIPPED = ["rates.json", "rates-lanes.json", "rates-language.json"];

/** The rates that ship with the program, and where they were measured. */
export function shippedRates(): RateTable[] {
  return SHIPPED.map((name) => rateTable.parse(JSON.parse(readFileSync(join(RECIPES, name), "utf8"))));
}

/**
 * Whether seconds of models of one data set can be scaled to another's. Among images, frames too, by the multiply-adds of convolutions; what a
 * multiply-add of a decoder takes these do not tell.
 */
export function areComparable(one: string, other: string): boolean {
  // A database may be of a data set that this version does not know.
  if (![one, other].every((name) => DATASETS.has(name))) return one === other;
  const [task, wanted] = [taskOfDataset(one), taskOfDataset(other)];
  return task === wanted || [task, wanted].every(({ traits }) => traits.includes("pixels"));
}

/** Whether two data sets are of one task, by which the closest rates are told. */
export function areOfOneTask(one: string, other: string): boolean {
  if (![one, other].every((name) => DATASETS.has(name))) return one === other;
  return taskOfDataset(one) === taskOfDataset(other);
}

/**
 * The rates that a database's records tell.
 * @param dataDir how many images they were made with: that of its data sets as they are now
 */
export function measuredRates(db: Database, dataDir: string): Rate[] {
  const found = new Map<string, Rate & { weighed: number }>();
  const add = (one: Omit<Rate, "count">) => {
    const key = [one.kind, one.dataset, one.arch, one.attack, one.style, one.level].join();
    const sum = found.get(key) ?? { ...one, count: 0, seconds: 0, bytes: null, work: 0, values: 0, weighed: 0 };
    sum.count++;
    for (const field of ["seconds", "work", "values"] as const) sum[field] += (one[field] - sum[field]) / sum.count;
    if (one.bytes !== null) {
      sum.weighed++;
      sum.bytes = (sum.bytes ?? 0) + (one.bytes - (sum.bytes ?? 0)) / sum.weighed;
    }
    found.set(key, sum);
  };
  const networks = new Map<string, Network>();
  for (const id of db.listClean()) {
    const record = readable(() => db.readClean(id));
    if (!record) continue;
    const network = buildNetwork(record.arch, record.classes.length);
    networks.set(id, network);
    const rates = cleanRate(record, network, dataDir);
    if (rates) add(rates);
  }
  for (const id of db.listDefects()) {
    const record = readable(() => db.readDefect(id));
    // A duplicate took no time; of a deprecated defect the time is as true as ever.
    if (!record || record.status === "duplicate") continue;
    const network = networks.get(record.clean);
    const rates = network ? candidateRate(record, network, dataDir) : null;
    if (rates) add(rates);
  }
  return [...found.values()].map(({ weighed: _, ...rest }) => rest);
}

/** A damaged record is for others to complain about: an estimate does without it. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function cleanRate(record: CleanRecord, network: Network, dataDir: string): Omit<Rate, "count"> | null {
  const { dataset, arch, seconds, model, recipe } = record;
  const size = datasetSize(dataset, dataDir);
  if (!size) return null;
  const work = cleanWork(network, recipe.clean as TrainRecipe, size);
  // One that was taken as it is tells nothing of training.
  if (work === 0) return null;
  const none = { attack: "-", style: "-", level: "-" };
  const values = cleanValues(network, gridOf(record));
  return { kind: "clean", dataset, arch, ...none, seconds, bytes: model.bytes, work, values };
}

function candidateRate(record: DefectRecord, network: Network, dataDir: string): Omit<Rate, "count"> | null {
  const { dataset, arch, attack, style, level, seconds, infected_model, sham_model } = record;
  const size = datasetSize(dataset, dataDir);
  if (!size) return null;
  const recipe = record.recipe as { inject: InjectSettings; measure: MeasureRecipe };
  const work = candidateWork(network, level, recipe.inject, recipe.measure, size);
  const bytes = infected_model && sham_model ? infected_model.bytes + sham_model.bytes : null;
  const values = changedValues(network, level, gridOf(record));
  return { kind: "candidate", dataset, arch, attack, style, level, seconds, bytes, work, values };
}

/** Which of the rates comes closest to what is to be built; null where there are none of its kind. */
export function closestRate(
  rates: Rate[],
  wanted: Omit<Rate, "count" | "seconds" | "bytes" | "work" | "values">,
): Rate | null {
  // What a multiply-add takes differs most between tasks: how large a picture is, how much of a network is no convolution.
  const likeness = (one: Rate) =>
    (areOfOneTask(one.dataset, wanted.dataset) ? 32 : 0) +
    (one.attack === wanted.attack ? 16 : 0) +
    (one.style === wanted.style ? 8 : 0) +
    (one.arch === wanted.arch ? 4 : 0) +
    (one.level === wanted.level ? 2 : 0) +
    (one.dataset === wanted.dataset ? 1 : 0);
  const [best] = rates.filter(({ kind }) => kind === wanted.kind).sort((a, b) => likeness(b) - likeness(a));
  return best ?? null;
}
