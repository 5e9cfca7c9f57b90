import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { BoardCell } from "../../records/board.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { SAMPLE_DIR } from "../../store/shipped/sample.ts";
import { taskOf } from "../../tasks/registry.ts";
import { buildFresh, type FreshRequest, freshIds, freshRecipeSha256 } from "./fresh.ts";

/** The benchmark that everybody has. */
export const SAMPLE_BENCHMARK = "sample";
const FRESH = /^fresh-(\d+)$/;

export function freshName(seed: number): string {
  return `fresh-${seed}`;
}

/** The seed that a fresh benchmark's name states; null of another one. */
export function freshSeed(benchmark: string): number | null {
  const found = FRESH.exec(benchmark);
  return found ? Number(found[1]) : null;
}

/** What of a defect makes a benchmark: its weights and labels. */
export type BenchmarkDefect = Pick<BoardCell, "id" | "clean" | "labels_sha256"> & {
  infected: { model_sha256: string };
  sham: { model_sha256: string };
};

/** A benchmark at hand. */
export interface Benchmark {
  name: string;
  db: Database;
  defects: BenchmarkDefect[];
  /** Of a fresh one: the recipe's hash. */
  recipe_sha256?: string;
}

/** Names the defects of a benchmark: no figure is comparable with one of another hash. */
export function benchmarkSha256(defects: readonly BenchmarkDefect[]): string {
  const lines = defects.map(({ id, clean, labels_sha256, infected, sham }) =>
    [id, clean, infected.model_sha256, sham.model_sha256, labels_sha256].join(" "),
  );
  return sha256Hex(lines.sort().join("\n"));
}

/** What a benchmark holds of a defect; null where it has no sham, and so no headline. */
export function benchmarkDefect(record: DefectRecord): BenchmarkDefect | null {
  const { id, clean, labels_sha256, infected_model, sham_model } = record;
  if (labels_sha256 === null || !infected_model || !sham_model) return null;
  return {
    ...{ id, clean, labels_sha256 },
    infected: { model_sha256: infected_model.decoded_sha256 },
    sham: { model_sha256: sham_model.decoded_sha256 },
  };
}

/** The shipped sample: every accepted defect that has a sham. */
export async function sampleBenchmark(): Promise<Benchmark> {
  const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
  return { name: SAMPLE_BENCHMARK, db, defects: defectsOf(acceptedOf(db)) };
}

function acceptedOf(db: Database): DefectRecord[] {
  const records = db.listDefects().map((id) => db.readDefect(id));
  return records.filter(({ status, ...record }) => status === "accepted" && taskOf(record).traits.includes("classes"));
}

/** Defects that nobody has seen. @throws InputError where none was accepted */
export async function freshBenchmark(request: FreshRequest): Promise<Benchmark> {
  const { db, records } = await buildFresh(request);
  const defects = defectsOf(records);
  if (defects.length === 0)
    throw new InputError(`--fresh ${request.seed}: no candidate was accepted; take another seed`);
  return { name: freshName(request.seed), db, defects, recipe_sha256: freshRecipeSha256() };
}

function defectsOf(records: readonly DefectRecord[]): BenchmarkDefect[] {
  return records.flatMap((record) => benchmarkDefect(record) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Why defects cannot be those of a fresh seed; null where they can. Whether they were built from it, nobody sees without building. */
export function freshFault(seed: number, defects: readonly Pick<BenchmarkDefect, "id">[]): string | null {
  const drawn = new Set(freshIds(seed));
  const stray = defects.find(({ id }) => !drawn.has(id));
  return stray ? `'${stray.id}' is none that seed ${seed} draws` : null;
}
