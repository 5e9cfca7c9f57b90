import { CRITERIA } from "../localize/registry.ts";
import { prune } from "../repair/prune.ts";
import { REPAIRS } from "../repair/registry.ts";
import type { Repair } from "../repair/types.ts";
import { writeReport } from "../report/report.ts";
import type { ScoreRow } from "../score/score.ts";
import type { Database } from "../store/database.ts";
import type { RepairFile } from "../store/results.ts";
import type { DefectRecord } from "../store/schema.ts";
import { build } from "./build.ts";
import type { Report } from "./context.ts";
import { withJudging } from "./judge.ts";
import { localizeAll } from "./judge-localize.ts";
import { parseUsing, repairEach } from "./judge-repair.ts";
import { scoreAll } from "./judge-score.ts";
import type { Edition } from "./recipe.ts";
import type { JudgedItem } from "./select.ts";

/** Criteria that train masks or triggers: seconds per model, where the others take a fraction of one. */
const LEARNING: ReadonlySet<string> = new Set(["nc", "anp", "rnp"]);
/** Criteria that run mutants: some seconds more. */
const MUTATING: ReadonlySet<string> = new Set(["deepmufl"]);
/** Reverses triggers and runs mutants: as long as all others together. */
const LEFT_OUT: ReadonlySet<string> = new Set(["deepmufl-reversed"]);

export interface DemoRequest {
  dir: string;
  dataDir: string;
  edition: Edition;
  jobs?: number;
  report: Report;
  /** Told when a part begins, and how far the judging is. */
  onPart(title: string): void;
  onCell(done: number, total: number, what: string): void;
}

export interface DemoResult {
  db: Database;
  records: DefectRecord[];
  scores: ScoreRow[];
  repairs: RepairFile[];
  reportPath: string;
}

/** The main job, end to end: build the edition, judge every accepted defect and its sham, score, report. */
export async function runDemo(request: DemoRequest): Promise<DemoResult> {
  const { dir, dataDir, edition, jobs, report, onPart, onCell } = request;
  onPart("building: train a clean model, inject, filter, control with shams, label, store");
  const { plan } = await build({ dir, dataDir, edition, select: edition.select, jobs, report });
  const judged = await withJudging({ db: dir, data: dataDir, seed: edition.seed, budget: "demo" }, async (judging) => {
    const { database, bench, results } = judging;
    const records = plan.candidates.map(({ id }) => database.readDefect(id));
    const ids = records.filter(({ status }) => status === "accepted").map(({ id }) => id);
    const items: JudgedItem[] = ids.flatMap((id) => [
      { id, version: "infected" as const },
      { id, version: "sham" as const },
    ]);
    // What learns or mutates takes most of the time: the one is shown on a defect of each attack, the other on a single one.
    const shown = [...new Map(records.map(({ attack, id }) => [attack, id])).values()].filter((id) => ids.includes(id));
    const isSlow = (name: string) => LEARNING.has(name) || MUTATING.has(name);
    const all = [...CRITERIA.values()].filter(({ name }) => !LEFT_OUT.has(name));
    const parts = [
      { title: "", criteria: all.filter(({ name }) => !isSlow(name)), on: ids },
      { title: " that learn", criteria: all.filter(({ name }) => LEARNING.has(name)), on: shown },
      { title: " that mutate", criteria: all.filter(({ name }) => MUTATING.has(name)), on: shown.slice(0, 1) },
    ];
    for (const { title, criteria, on } of parts) {
      onPart(`localizing: ${criteria.length} criteria${title}, on ${on.length} defects and their shams`);
      const judgedItems = items.filter(({ id }) => on.includes(id));
      await localizeAll(bench, results, judgedItems, criteria, onCell);
    }
    // The baselines have no rule of their own for how many neurons to name, so their repairs would say little.
    const published = all.filter(({ source }) => source !== "baseline").map(({ name }) => name);
    // Pruning costs nothing, so every published criterion gets it; training is shown at its best and at its floor.
    const waysOf = (methods: readonly Repair[], usings: string[]) =>
      methods.flatMap((method) => usings.map((name) => ({ method, using: parseUsing(name) })));
    const trained = [...REPAIRS.values()].filter((method) => method !== prune);
    const pruning = waysOf([prune], [...published.filter((name) => !isSlow(name)), "oracle", "random"]);
    const learned = published.filter((name) => LEARNING.has(name));
    const rest = [...waysOf([prune], learned), ...waysOf(trained, ["oracle", "random"])];
    onPart(`repairing: pruning, and on ${shown.length} defects ${trained.length} repairs by training`);
    const repairs = [
      ...(await repairEach(bench, results, ids, pruning, onCell)),
      ...(await repairEach(bench, results, shown, rest, onCell)),
    ];
    const scores = await scoreAll(
      database,
      results,
      items,
      all.map(({ name }) => name),
    );
    return { db: database, records, scores, repairs };
  });
  onPart("reporting");
  const reportPath = await writeReport(judged.db, { dataDir });
  return { ...judged, reportPath };
}
