import { lookup } from "../../core/errors.ts";
import type { DefectKey } from "../../core/ids.ts";
import type { Network } from "../../graph/network.ts";
import type { Rate } from "../../records/rates.ts";
import type { Database } from "../../store/database.ts";
import { DATASETS, networkFor } from "../../tasks/registry.ts";
import type { Plan } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import type { Edition } from "../recipe/recipe.ts";
import { type DatasetSize, datasetSize } from "./dataset-size.ts";
import { areComparable, closestRate } from "./rates.ts";
import { candidateWork, changedValues, cleanValues, cleanWork } from "./work.ts";

/**
 * Where an estimate comes from: the model is `built` already; models of the same kind were `measured` with the same
 * amount of work; others' figures were `scaled` by it; or it is `unknown`, since nothing comparable was measured.
 */
export type Basis = "built" | "measured" | "scaled" | "unknown";

export interface ModelEstimate {
  id: string;
  /** The clean model of a candidate; null for a clean model. */
  clean: string | null;
  /** `plain`, `discreet`; null for a clean model. */
  style: string | null;
  /** Null: unknown. */
  seconds: number | null;
  bytes: number | null;
  basis: Basis;
  /** What was measured; null where it is built already or nothing was. */
  from: string | null;
}

export interface Estimate {
  clean: ModelEstimate[];
  candidates: ModelEstimate[];
  /** Images per data set, and whether they were counted in the data folder or are the official numbers. */
  images: Map<string, DatasetSize>;
}

/** Amounts of work that differ by less count as the same. */
const SAME = 0.01;

/**
 * Estimates seconds and bytes of every model of a plan from measured rates, scaled by multiply-adds where nothing
 * alike was measured, but what can be compared. Seconds are those of one model on the machine of the rates while its other cores worked too.
 *
 * @param db the database that the plan would be built into, where it exists
 */
export async function estimatePlan(
  edition: Edition,
  plan: Plan,
  rates: Rate[],
  dataDir: string,
  db: Database | null,
): Promise<Estimate> {
  const images = new Map<string, DatasetSize>();
  for (const name of new Set(plan.clean.map(({ dataset }) => dataset))) {
    images.set(name, datasetSize(name, dataDir) ?? (await loadedSize(name, dataDir, edition.seed)));
  }
  const networks = new Map<string, Network>();
  const networkOf = (dataset: string, arch: string) => {
    const key = `${dataset} ${arch}`;
    const network = networks.get(key) ?? networkFor(arch, dataset);
    networks.set(key, network);
    return network;
  };

  const clean = plan.clean.map((planned): ModelEstimate => {
    const own = { id: planned.id, clean: null, style: null };
    if (db?.hasClean(planned.id)) return { ...own, ...BUILT };
    const { dataset, arch } = planned;
    const network = networkOf(dataset, arch);
    const work = cleanWork(network, settingsFor(edition.clean, planned), images.get(dataset)!);
    const wanted = { kind: "clean" as const, dataset, arch, attack: "-", style: "-", level: "-" };
    return { ...own, ...scaled(rates, wanted, work, cleanValues(network, edition.grid)) };
  });
  const candidates = plan.candidates.map(({ id, key, clean }): ModelEstimate => {
    const own = { id, clean, style: key.style };
    if (db?.hasDefect(id)) return { ...own, ...BUILT };
    const { dataset, arch, attack, style, level } = key;
    const network = networkOf(dataset, arch);
    const recipe = settingsFor(edition.inject, key);
    const work = candidateWork(network, level, recipe, edition.measure, images.get(dataset)!);
    const wanted = { kind: "candidate" as const, dataset, arch, attack, style, level };
    return { ...own, ...scaled(rates, wanted, work, changedValues(network, level, edition.grid)) };
  });
  return { clean, candidates, images };
}

const BUILT = { seconds: 0, bytes: 0, basis: "built", from: null } as const;

type Wanted = Pick<Rate, "kind"> & Omit<DefectKey, "top" | "level" | "style"> & { level: string; style: string };

function scaled(rates: Rate[], wanted: Wanted, work: number, values: number) {
  const time = closestRate(
    rates.filter(({ dataset }) => areComparable(dataset, wanted.dataset)),
    wanted,
  );
  // A value takes as many bytes in any network.
  const size = closestRate(
    rates.filter(({ bytes }) => bytes !== null),
    wanted,
  );
  const bytes = size && size.bytes! * (values / size.values);
  if (time === null) return { seconds: null, bytes, basis: "unknown" as const, from: null };
  const fields = ["dataset", "arch", "attack", "style", "level"] as const;
  const same = fields.every((field) => time[field] === wanted[field]) && Math.abs(work / time.work - 1) < SAME;
  return {
    seconds: time.seconds * (work / time.work),
    bytes,
    basis: same ? ("measured" as const) : ("scaled" as const),
    from: nameOf(time),
  };
}

function nameOf({ kind, dataset, arch, attack, style, level }: Rate): string {
  if (kind === "clean") return `clean/${dataset}-${arch}`;
  return `${dataset}-${arch}-${attack}-${level}${style === "discreet" ? "-discreet" : ""}`;
}

async function loadedSize(name: string, dataDir: string, seed: number): Promise<DatasetSize> {
  const { train, cleanVal, test } = await lookup(DATASETS, "data set", name).load({ dataDir, seed });
  return { train: train.count + cleanVal.count, test: test.count, counted: true };
}

/** Seconds of wall clock that what is known of an estimate takes with so many worker processes on so many cores. */
export function wallSeconds(edition: Edition, { clean, candidates }: Estimate, jobs: number, cores: number): number {
  const sum = (models: ModelEstimate[]) => models.reduce((total, { seconds }) => total + (seconds ?? 0), 0);
  // More workers than their threads have cores for gain nothing.
  const atOnce = (threads: number, models: ModelEstimate[]) =>
    Math.max(1, Math.min(jobs, Math.floor(cores / threads), models.length));
  return (
    sum(clean) / atOnce(edition.clean.threads, clean) + sum(candidates) / atOnce(edition.inject.threads, candidates)
  );
}
