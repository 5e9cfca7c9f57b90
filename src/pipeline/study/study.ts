import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { Catalog } from "../../store/catalog/catalog.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { Results } from "../../store/results/results.ts";
import { resultStore } from "../judging/judge.ts";
import { selectItems } from "../judging/select.ts";
import type { ToldOutcome } from "../judging/task.ts";
import { chooseJudgeJobs, judgeInWorkers } from "../judging/workers.ts";
import { missingData, NONE_MISSING } from "./missing-data.ts";
import { planStudy, type StudyCell, type StudyTask } from "./plan.ts";
import { type CellNetwork, CellRates } from "./rates.ts";
import type { Study } from "./recipe.ts";
import { type CellFailure, type StudyPlace, type StudyResults, studyResults, writeStudy } from "./tables.ts";

export type StudyEvent =
  | { type: "start"; cells: number; finished: number; jobs: number }
  /** @param left seconds that the others may take; null while nothing is known */
  | { type: "cell"; outcome: ToldOutcome; over: number; left(): number | null }
  | { type: "lost"; failure: CellFailure }
  | { type: "warning"; text: string };

export interface StudyRequest {
  dir: string;
  dataDir: string;
  study: Study;
  jobs?: number;
  /** A folder for the results in place of the database's own. */
  out?: string;
  report(event: StudyEvent): void;
}

export interface StudyEnd extends StudyResults {
  cells: number;
  unfinished: number;
  failures: CellFailure[];
}

export interface OpenedStudy {
  database: Database;
  results: Results;
  place: StudyPlace;
  /** Where work is claimed. */
  claims: string;
  tasks: StudyTask[];
  /** The cells as they stand now. */
  replan(): StudyTask[];
  /** What is left out, and why. */
  notes: readonly string[];
}

/**
 * A study on a database, with all its cells, but those of defects whose data set is not in the data folder, where one is named.
 * @throws InputError where the selection is empty or wrong
 */
export async function openStudy(
  { dir, dataDir, study, out }: Pick<StudyRequest, "dir" | "study" | "out"> & { dataDir?: string },
  options: { readOnly?: boolean } = {},
): Promise<OpenedStudy> {
  const database = await openDatabase(dir, options);
  const store = resultStore(database, out);
  const results = new Results(store, study.recipe.budget);
  const { select, versions } = study.recipe;
  const selection = { names: select.names ?? [], where: select.where };
  const items = await selectItems(new Catalog(database), selection, versions);
  const all = planStudy(database, results, study, items);
  const { absent, notes } = dataDir === undefined ? NONE_MISSING : await missingData(database, study, all, dataDir);
  const judged = items.filter(({ id }) => !absent.has(id));
  const replan = () => planStudy(database, results, study, judged);
  const { layout } = database;
  const place = { store, folder: out ?? layout.path("results"), tmp: out ?? layout.path("tmp") };
  const claims = out === undefined ? layout.path("claims") : join(out, ".claims");
  return { database, results, place, claims, tasks: absent.size === 0 ? all : replan(), replan, notes };
}

/** What finished cells took, for estimates. */
export function ratesOf(tasks: readonly StudyTask[]): CellRates {
  const rates = new CellRates();
  for (const { cells, ...network } of tasks) {
    for (const { kind, finished } of cells) if (finished !== null) rates.add(kind, network, finished);
  }
  return rates;
}

/** For the defects that are left. */
export function chooseStudyJobs(left: readonly StudyTask[]): number {
  return chooseJudgeJobs(left.map(({ bytes }) => bytes));
}

/**
 * Localizes, repairs and scores over a selection, in worker processes that take one defect at a time. Finished cells are
 * kept, so that the same command goes on after a kill; a cell that fails costs itself, a defect that ends its worker
 * itself. The tables are written at the end, of all that is finished.
 */
export async function runStudy(request: StudyRequest): Promise<StudyEnd> {
  const { dir, dataDir, study, out, report } = request;
  const { database, results, place, claims, tasks, replan, notes } = await openStudy(request);
  if (database.sealed && out === undefined) {
    throw new InputError(`--db ${database.sealed}: is read-only; name a folder for results with --out`);
  }
  const left = tasks.filter(({ cells }) => cells.some(({ finished }) => finished === null));
  const jobs = request.jobs ?? chooseStudyJobs(left);
  const watch = new StudyWatch(tasks, jobs, report);
  for (const text of notes) report({ type: "warning", text });
  const { seed, budget, plugin_timeout: pluginTimeout } = study.recipe;
  await judgeInWorkers({
    ...{ dir, dataDir, out, claims, seed, budget, pluginTimeout, jobs },
    criteria: study.criterionNames,
    methods: study.methodNames,
    tasks: left,
    onCell: (outcome) => watch.told(outcome),
    onWarning: (text) => watch.warned(text),
    onOver: (task, reason) => watch.over(task, reason),
  });
  const now = left.length > 0 ? replan() : tasks;
  const found = await studyResults(database, results, now);
  const { failures } = watch;
  await writeStudy(place, study, now, found, failures);
  const cells = now.flatMap((task) => task.cells);
  return { ...found, cells: cells.length, unfinished: cells.filter((cell) => cell.finished === null).length, failures };
}

/** Follows the cells of a study: which are open, what they may take, which failed. */
class StudyWatch {
  readonly failures: CellFailure[] = [];
  private readonly pending = new Map<string, StudyCell & CellNetwork>();
  private readonly warnings = new Set<string>();
  private readonly rates: CellRates;
  private readonly jobs: number;
  private readonly total: number;
  private readonly report: StudyRequest["report"];

  constructor(tasks: readonly StudyTask[], jobs: number, report: StudyRequest["report"]) {
    this.rates = ratesOf(tasks);
    this.jobs = jobs;
    this.report = report;
    for (const { cells, network, size } of tasks) {
      for (const cell of cells) if (cell.finished === null) this.pending.set(cell.what, { ...cell, network, size });
    }
    this.total = tasks.reduce((sum, { cells }) => sum + cells.length, 0);
    report({ type: "start", cells: this.total, finished: this.total - this.pending.size, jobs });
  }

  told(outcome: ToldOutcome): void {
    const cell = this.pending.get(outcome.what);
    if (!cell) return;
    this.pending.delete(outcome.what);
    if (outcome.status === "done") this.rates.add(cell.kind, cell, outcome.seconds);
    if (outcome.status === "failed") this.failures.push({ cell: outcome.what, reason: outcome.reason ?? "" });
    this.report({ type: "cell", outcome, over: this.total - this.pending.size, left: () => this.left() });
  }

  /** Every worker may say the same. */
  warned(text: string): void {
    if (this.warnings.has(text)) return;
    this.warnings.add(text);
    this.report({ type: "warning", text });
  }

  /** What a task left open when it was over has been lost with it. */
  over({ id, cells }: StudyTask, reason?: string): void {
    if (reason === undefined) return;
    const lost = cells.filter(({ what }) => this.pending.delete(what));
    const failure = { cell: `${id}, ${lost.length} cells`, reason };
    this.failures.push(failure);
    this.report({ type: "lost", failure });
  }

  private left(): number | null {
    let known = 0;
    let unknown = 0;
    for (const cell of this.pending.values()) {
      const seconds = this.rates.expect(cell.kind, cell);
      if (seconds === null) unknown++;
      else known += seconds;
    }
    if (unknown === this.pending.size && unknown > 0) return null;
    // What was never seen is taken to be like the others.
    const share = unknown === 0 ? 1 : this.pending.size / (this.pending.size - unknown);
    return (known * share) / this.jobs;
  }
}
