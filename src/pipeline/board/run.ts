import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { userCache } from "../../files/user-cache.ts";
import type { BoardCell, BoardEntry, BoardResult, BoardSide } from "../../records/board.ts";
import type { PredictionFile } from "../../records/prediction.ts";
import { BOARD_SEED, figuresOf } from "../../score/board.ts";
import { type ScoreRow, scorePrediction } from "../../score/score.ts";
import { ResultFolder, type ResultStore } from "../../store/results/result-folder.ts";
import { Results } from "../../store/results/results.ts";
import { packageVersion } from "../../store/version.ts";
import { judgingBytes } from "../estimate/memory.ts";
import { assertAllApplicable } from "../judging/applicable.ts";
import { criteriaNamed } from "../judging/criteria.ts";
import { finishedPrediction } from "../judging/localize.ts";
import type { JudgeTask } from "../judging/task.ts";
import { layersOf, networkOf } from "../judging/workbench.ts";
import { chooseJudgeJobs, judgeInWorkers } from "../judging/workers.ts";
import { type Benchmark, type BenchmarkDefect, benchmarkSha256 } from "./benchmark.ts";
import {
  criterionArgument,
  fileHash,
  methodStamp,
  missingFile,
  openEntry,
  rootOf,
  scriptNamed,
  storedName,
  writeEntry,
} from "./entry.ts";

/** The versions of a defect that make the headline. */
const VERSIONS = ["infected", "sham"] as const;
/** As much of a failure as an entry keeps. */
const LONGEST_REASON = 300;

export interface RunRequest {
  entry: BoardEntry;
  benchmark: Benchmark;
  /** The folder that the board lies in. */
  root: string;
  dataDir: string;
  jobs?: number;
  pluginTimeout?: number;
  /** Where predictions are kept, so that a run that was interrupted goes on. */
  out?: string;
  /** Results that were computed before, which count where model, settings and method are the same. */
  earlier?: ResultStore;
  onStart(cells: number, finished: number, jobs: number): void;
  onCell(over: number, total: number, what: string): void;
}

export interface RunEnd {
  result: BoardResult;
  /** Cells without a prediction, with the reason. */
  failures: { what: string; reason: string }[];
}

/** Where predictions of a benchmark are kept unless told otherwise. */
export function resultsDir(benchmark: string, cache = userCache()): string {
  return join(cache, "board", benchmark, "results");
}

/**
 * Judges a method blind on a benchmark: by the workers, suspects and plug-in folders of any study, so that it sees what a
 * blind hand-out shows and nothing else. Cells that are finished are kept; one that fails costs itself.
 */
export async function runEntry(request: RunRequest): Promise<RunEnd> {
  const { entry, benchmark, dataDir, pluginTimeout, earlier } = request;
  const { db, defects } = benchmark;
  const out = request.out ?? resultsDir(benchmark.name);
  const name = storedName(entry);
  const [criterion] = criteriaNamed([criterionArgument(entry)], { timeout: pluginTimeout });
  assertAllApplicable(db, defects, [criterion]);
  const stores = [new ResultFolder(out), ...(earlier ? [earlier] : [])];
  const results = stores.map((store) => new Results(store, entry.budget));
  /** The first finished prediction, and of which store it is. */
  const find = (defect: BenchmarkDefect, version: (typeof VERSIONS)[number]) => {
    for (const [at, one] of results.entries()) {
      const found = finishedPrediction(one, { id: defect.id, version }, criterion, BOARD_SEED);
      if (found && found.model_sha256 === defect[version].model_sha256) return { found, reused: at > 0 };
    }
    return null;
  };
  const tasks = defects.flatMap((defect): JudgeTask[] => {
    const versions = VERSIONS.filter((version) => !find(defect, version));
    return versions.length === 0 ? [] : [{ id: defect.id, versions, criteria: [name], repairs: [] }];
  });
  const total = 2 * defects.length;
  const left = tasks.reduce((sum, { versions }) => sum + versions.length, 0);
  const bytes = tasks.map(({ id }) => {
    const record = db.readDefect(id);
    return judgingBytes(networkOf(db, record).network, record.dataset);
  });
  const jobs = request.jobs ?? chooseJudgeJobs(bytes);
  request.onStart(total, total - left, jobs);
  const notes = new Set<string>();
  const reasons = new Map<string, string>();
  let over = total - left;
  await judgeInWorkers({
    ...{ dir: db.dir, dataDir, out, jobs, tasks, pluginTimeout },
    claims: join(out, ".claims"),
    seed: BOARD_SEED,
    budget: entry.budget,
    criteria: [criterionArgument(entry)],
    methods: [],
    onCell: ({ what, status, reason }) => {
      request.onCell(++over, total, what);
      if (status === "failed") reasons.set(what, reason ?? "");
    },
    onWarning: (text) => notes.add(text.slice(0, LONGEST_REASON)),
    onOver: ({ id, versions }, reason) => {
      if (reason === undefined) return;
      for (const version of versions) reasons.set(`${id}:${version} ${name}`, reason);
    },
  });
  const failures: RunEnd["failures"] = [];
  const cells = defects.map((defect): BoardCell => {
    const layers = layersOf(db, db.readDefect(defect.id));
    const labels = db.readLabels(defect.id);
    const [infected, sham] = VERSIONS.map((version): BoardSide => {
      const { model_sha256 } = defect[version];
      const done = find(defect, version);
      if (done) return { model_sha256, ...scored(scorePrediction(layers, done.found, labels), done) };
      const what = `${defect.id}:${version} ${name}`;
      const reason = (reasons.get(what) ?? "").trim().slice(0, LONGEST_REASON) || "it gave nothing";
      failures.push({ what, reason });
      return { model_sha256, wji: null, auroc: null, named: null, seconds: null, failed: reason };
    });
    return { id: defect.id, clean: defect.clean, labels_sha256: defect.labels_sha256, infected, sham };
  });
  const sides = cells.flatMap(({ infected, sham }) => [infected, sham]);
  const result: BoardResult = {
    benchmark: benchmark.name,
    benchmark_sha256: benchmarkSha256(defects),
    ...(benchmark.recipe_sha256 && { recipe_sha256: benchmark.recipe_sha256 }),
    program: packageVersion(),
    settings: { seed: BOARD_SEED, budget: entry.budget, ...methodStamp(entry, request.root) },
    seconds: sides.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0),
    reused: sides.filter(({ reused }) => reused).length,
    notes: [...notes].sort(),
    cells,
    figures: figuresOf(cells, namedBy(entry)),
  };
  return { result, failures };
}

/** What the draws of an entry's intervals are named by. */
export function namedBy(entry: Pick<BoardEntry, "name" | "criterion" | "access" | "budget">) {
  const { access, budget } = entry;
  return { criterion: storedName(entry as BoardEntry), access, budget };
}

/** What an entry keeps of a prediction's rows. */
export function scored(
  rows: readonly ScoreRow[],
  { found, reused }: { found: PredictionFile; reused: boolean },
): Omit<BoardSide, "model_sha256"> {
  const row = (truth: ScoreRow["truth"]) =>
    rows.find((one) => one.truth === truth && one.protocol === "topk" && one.quota === "global")!;
  return {
    wji: row("effective").wji,
    auroc: row("full").auroc,
    named: found.native.length,
    seconds: found.elsewhere ? null : found.seconds,
    ...(reused && { reused }),
  };
}

/**
 * Hashes of the files that an entry names and of its command's script, as they are now.
 *
 * @param path the entry's file
 * @throws InputError where a file is missing or elsewhere
 */
export function hashesNow(path: string, entry: BoardEntry): Record<string, string> {
  const root = rootOf(path);
  const missing = missingFile(entry, root);
  if (missing !== undefined) throw new InputError(`${path}: 'command': there is no file '${missing}'`);
  const script = scriptNamed(entry, root);
  const names = [...new Set([...Object.keys(entry.hashes), ...(script === undefined ? [] : [script])])].sort();
  try {
    return Object.fromEntries(names.map((name) => [name, fileHash(root, name)]));
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${path}: 'hashes': ${error.message}`, { cause: error }) : error;
  }
}

/**
 * Writes a result into an entry's file as it is now: another run may have written one of another benchmark meanwhile.
 *
 * @param judged the entry as it was when the run began
 * @param hashes of the files that were judged
 * @throws InputError where the entry has become another method's
 */
export function keepResult(
  path: string,
  judged: BoardEntry,
  hashes: Record<string, string>,
  result: BoardResult,
): void {
  const entry = openEntry(path);
  const described = ({ criterion, command, access, budget }: BoardEntry) =>
    JSON.stringify([criterion, command, access, budget]);
  if (described(entry) !== described(judged)) {
    throw new InputError(`${path}: describes another method than when it was judged; run the same command again`);
  }
  writeEntry(path, withResult(entry, hashes, result));
}

/** An entry with a result more, in place of an earlier one of the same benchmark. @param hashes of the files that were judged */
function withResult(entry: BoardEntry, hashes: Record<string, string>, result: BoardResult): BoardEntry {
  const others = entry.results.filter(({ benchmark }) => benchmark !== result.benchmark);
  return { ...entry, hashes, results: [...others, result].sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1)) };
}

/** The sample first. */
const rankOf = ({ benchmark }: BoardResult) => (benchmark === "sample" ? "" : benchmark);
