import { basename } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { BoardCell, BoardEntry, BoardFigure, BoardResult } from "../../records/board.ts";
import { figuresOf } from "../../score/board.ts";
import { scorePrediction } from "../../score/score.ts";
import type { ResultStore } from "../../store/results/result-folder.ts";
import { Results } from "../../store/results/results.ts";
import { layersOf } from "../judging/workbench.ts";
import { type Benchmark, benchmarkSha256, freshFault, freshSeed, SAMPLE_BENCHMARK } from "./benchmark.ts";
import {
  fileHash,
  listEntries,
  methodStamp,
  missingFile,
  readEntry,
  rootOf,
  scriptNamed,
  storedName,
} from "./entry.ts";
import { freshRecipeSha256 } from "./fresh.ts";
import { namedBy, scored } from "./run.ts";

/** What a board holds, and what is wrong with it. */
export interface CheckedBoard {
  entries: BoardEntry[];
  /** One line each, beginning with the file's name. */
  faults: string[];
  cells: number;
}

/** A sum of seconds is not the same in every order. */
const NEAR = 1e-9;

/**
 * Holds every entry of a board against its schema, the registry, the files that it names and the benchmark's own defects,
 * and computes every figure anew from the cells.
 *
 * @param sample the benchmark that is at hand
 * @param earlier results to compute cells anew from, where they hold the predictions
 */
export async function checkBoard(board: string, sample: Benchmark, earlier?: ResultStore): Promise<CheckedBoard> {
  const paths = listEntries(board);
  const entries: BoardEntry[] = [];
  const faults: string[] = [];
  /** Of every benchmark, its hash and who stated it first. */
  const hashes = new Map([[sample.name, { sha256: benchmarkSha256(sample.defects), by: "the sample" }]]);
  for (const path of paths) {
    const file = basename(path);
    const { entry, faults: own } = readEntry(path);
    const found = [...own];
    if (entry) {
      entries.push(entry);
      found.push(...methodFaults(entry, rootOf(path)));
      found.push(...entry.results.flatMap((result) => resultFaults(entry, result, sample, rootOf(path))));
      found.push(
        ...twice(entry.results.map(({ benchmark }) => benchmark)).map((name) => `has two results of '${name}'`),
      );
      for (const { benchmark, benchmark_sha256: sha256 } of entry.results) {
        const known = hashes.get(benchmark);
        if (!known) hashes.set(benchmark, { sha256, by: file });
        else if (known.sha256 !== sha256) {
          found.push(`result '${benchmark}': is of another benchmark than ${known.by} has under that name`);
        }
      }
      if (earlier) found.push(...cellFaults(entry, sample, earlier));
    }
    faults.push(...found.map((fault) => `${file}: ${fault}`));
  }
  const cells = entries.flatMap(({ results }) => results).reduce((sum, { cells }) => sum + 2 * cells.length, 0);
  return { entries, faults, cells };
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
}

/** Files that an entry names, against their hashes. */
function methodFaults(entry: BoardEntry, root: string): string[] {
  const faults: string[] = [];
  for (const [name, sha256] of Object.entries(entry.hashes)) {
    try {
      if (fileHash(root, name) !== sha256) {
        faults.push(`'hashes': '${name}' is another file now; judge the method again with 'bdefects board run'`);
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      faults.push(`'hashes': ${error.message}`);
    }
  }
  const missing = missingFile(entry, root);
  if (missing !== undefined) faults.push(`'command': there is no file '${missing}'`);
  const script = scriptNamed(entry, root);
  if (script !== undefined && entry.results.length > 0 && !Object.hasOwn(entry.hashes, script)) {
    faults.push(`'hashes': the command's script '${script}' has none`);
  }
  return faults;
}

function resultFaults(entry: BoardEntry, result: BoardResult, sample: Benchmark, root: string): string[] {
  const faults = [
    ...settingsFaults(entry, result, root),
    ...benchmarkFaults(result, sample),
    ...twice(result.cells.map(({ id }) => id)).map((id) => `has two cells of '${id}'`),
  ];
  const sides = result.cells.flatMap(({ id, infected, sham }) => [
    { what: `${id}:infected`, ...infected },
    { what: `${id}:sham`, ...sham },
  ]);
  for (const { what, failed, named, auroc } of sides) {
    if ((failed === undefined) !== (named !== null && auroc !== null)) {
      faults.push(`'${what}' must have either figures or the reason why it failed`);
    }
  }
  const seconds = sides.reduce((sum, side) => sum + (side.seconds ?? 0), 0);
  if (Math.abs(seconds - result.seconds) > NEAR * Math.max(1, seconds)) {
    faults.push(`'seconds' is ${result.seconds}, and the cells sum up to ${seconds}`);
  }
  const reused = sides.filter((side) => side.reused).length;
  if (reused !== result.reused) faults.push(`'reused' is ${result.reused}, and ${reused} cells are`);
  const wrong = faults.length > 0 ? null : firstWrongFigure(result, figuresOf(result.cells, namedBy(entry)));
  if (wrong !== null) faults.push(wrong);
  return faults.map((fault) => `result '${result.benchmark}': ${fault}`);
}

function settingsFaults(entry: BoardEntry, { settings }: BoardResult, root: string): string[] {
  const faults: string[] = [];
  if (settings.budget !== entry.budget)
    faults.push(`is of budget '${settings.budget}', the entry of '${entry.budget}'`);
  const { revision, fingerprint } = methodStamp(entry, root);
  if (settings.revision !== revision || settings.fingerprint !== fingerprint) {
    faults.push("was found by another revision of the method; judge it again with 'bdefects board run'");
  }
  return faults;
}

function benchmarkFaults(
  { benchmark, benchmark_sha256, recipe_sha256, cells }: BoardResult,
  sample: Benchmark,
): string[] {
  if (benchmarkSha256(cells) !== benchmark_sha256) return ["its cells are of other defects than its hash states"];
  const seed = freshSeed(benchmark);
  if (seed === null) {
    const known = benchmark === SAMPLE_BENCHMARK && benchmarkSha256(sample.defects) === benchmark_sha256;
    return known ? [] : ["is of another benchmark: the sample's defects have other ids, weights or labels"];
  }
  if (recipe_sha256 !== freshRecipeSha256())
    return ["its defects were drawn from another recipe than recipes/board.yaml"];
  const fault = freshFault(seed, cells);
  return fault === null ? [] : [fault];
}

/** The first figure that the cells do not give; null where there is none. */
function firstWrongFigure({ figures }: BoardResult, computed: readonly BoardFigure[]): string | null {
  const nameOf = ({ by, of }: Pick<BoardFigure, "by" | "of">) => (by === null ? "all defects" : `${by} ${of}`);
  for (const expected of computed) {
    const stated = figures.find(({ by, of }) => by === expected.by && of === expected.of);
    if (!stated) return `states no figures of ${nameOf(expected)}`;
    const field = difference(stated, expected);
    if (field !== null) return `its figures of ${nameOf(expected)} do not follow from its cells: '${field}'`;
  }
  const stray = figures.find(({ by, of }) => !computed.some((one) => one.by === by && one.of === of));
  if (stray) return `states figures of ${nameOf(stray)}, which its cells do not have`;
  return figures.length === computed.length ? null : "states figures twice";
}

/** The first field in which two values differ by more than rounding; null where there is none. */
function difference(stated: unknown, expected: unknown, at = ""): string | null {
  if (typeof stated === "number" && typeof expected === "number") {
    return Math.abs(stated - expected) <= NEAR ? null : at;
  }
  if (stated === null || expected === null || typeof stated !== "object" || typeof expected !== "object") {
    return stated === expected ? null : at;
  }
  for (const [key, value] of Object.entries(expected)) {
    const found = difference((stated as Record<string, unknown>)[key], value, at === "" ? key : `${at}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** Cells of the sample that their predictions do not give. */
function cellFaults(entry: BoardEntry, { db, name }: Benchmark, store: ResultStore): string[] {
  const result = entry.results.find(({ benchmark }) => benchmark === name);
  const results = new Results(store, entry.budget);
  const faults: string[] = [];
  for (const cell of result?.cells ?? []) {
    for (const version of ["infected", "sham"] as const) {
      const found = results.prediction(storedName(entry), cell.id, version);
      const side: BoardCell["infected"] = cell[version];
      if (!found || found.model_sha256 !== side.model_sha256) continue;
      const record = db.readDefect(cell.id);
      const rows = scorePrediction(layersOf(db, record), found, db.readLabels(cell.id));
      const { wji, auroc, named } = scored(rows, { found, reused: false });
      const field = difference({ wji: side.wji, auroc: side.auroc, named: side.named }, { wji, auroc, named });
      if (field !== null) faults.push(`'${cell.id}:${version}': its prediction gives another '${field}'`);
    }
  }
  return faults;
}
