import { attribution } from "../../localize/criteria/attribution.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { DefectRecord } from "../../records/defect.ts";
import type { RepairFile } from "../../records/repair.ts";
import { excise } from "../../repair/excise.ts";
import { finetune } from "../../repair/finetune.ts";
import { finetuneReinit } from "../../repair/finetune-reinit.ts";
import { prune } from "../../repair/prune.ts";
import { REPAIRS } from "../../repair/registry.ts";
import { type RankedCriterion, rankCriteria } from "../../report/ranking.ts";
import type { ScoreRow } from "../../score/score.ts";
import type { Database } from "../../store/database.ts";
import { Results } from "../../store/results/results.ts";
import { build, planBuild } from "../build/build.ts";
import type { Report } from "../build/context.ts";
import { judgingBytes } from "../estimate/memory.ts";
import { memoryLimit } from "../estimate/memory-limit.ts";
import { applicable } from "../judging/applicable.ts";
import { resultStore } from "../judging/judge.ts";
import { scoreAll } from "../judging/score.ts";
import type { JudgeTask, RepairName } from "../judging/task.ts";
import { networkOf } from "../judging/workbench.ts";
import { chooseJudgeJobs, judgeInWorkers } from "../judging/workers.ts";
import type { Edition } from "../recipe/recipe.ts";
import { makeReport } from "../report/report.ts";

/** Criteria that train masks or triggers: seconds per model, where the others take a fraction of one. */
const LEARNING: ReadonlySet<string> = new Set(["nc", "anp", "rnp", "attribution", "learned"]);
/** Criteria that run mutants: some seconds more. */
const MUTATING: ReadonlySet<string> = new Set(["deepmufl", "deepmufl-reversed"]);

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
  ranking: RankedCriterion[];
  repairs: RepairFile[];
  reportPath: string;
}

/** The main job, end to end: build the edition, judge every accepted defect and its sham, score, report. */
export async function runDemo(request: DemoRequest): Promise<DemoResult> {
  const { dir, dataDir, edition, jobs, report, onPart } = request;
  // A folder that is refused is refused before anything is said to begin.
  await planBuild({ dir, edition, select: edition.select }, memoryLimit());
  onPart("building: train a clean model, inject, filter, control with shams, label, store");
  const { db, plan } = await build({ dir, dataDir, edition, select: edition.select, jobs, report });
  const records = plan.candidates.map(({ id }) => db.readDefect(id));
  const tasks = judgingTasks(db, records);
  const used = new Set(tasks.flatMap(({ criteria }) => criteria)).size;
  onPart(`judging: ${used} criteria, slow ones on few of ${tasks.length} defects and their shams, and repairs`);
  if (tasks.length > 0) await judgeAll(request, db, tasks);
  const results = new Results(resultStore(db, undefined), "demo");
  const scores: ScoreRow[] = [];
  for (const { id, versions, criteria } of tasks) {
    const items = versions.map((version) => ({ id, version }));
    scores.push(...(await scoreAll(db, results, items, criteria)));
  }
  const repairs = tasks.flatMap(({ id, repairs: ways }) =>
    ways.map(({ method, using }) => results.repair(method, using, id)!),
  );
  onPart("reporting");
  const reportPath = await makeReport(db, { dataDir });
  const accepted = records.filter(({ status }) => status === "accepted");
  const ranking = rankCriteria({ scores, accepted, seed: db.manifest.seed });
  return { db, records, ranking, repairs, reportPath };
}

/**
 * What each accepted defect is judged by: what learns or mutates takes most of the time and is shown on a few. Criteria that need what the
 * networks lack are left out.
 */
function judgingTasks(db: Database, records: readonly DefectRecord[]): JudgeTask[] {
  const accepted = records.filter(({ status }) => status === "accepted");
  const badnets = accepted.filter(({ attack }) => attack === "badnets").map(({ id }) => id);
  const others = accepted.filter(({ attack }) => attack !== "badnets").map(({ id }) => id);
  // One of the plainest attack, and those of the others.
  const [first, second, third] = [...badnets.slice(0, 1), ...others, ...badnets.slice(1)];
  const shown = new Set([first, second]);
  // What takes long falls on different defects, so that the processes share it.
  const mutated = third ?? first;
  // Pruning and measuring again is shown on a defect of each attack.
  const attacks = new Set(accepted.map(({ attack }) => attack));
  const repaired = new Set([...attacks].map((attack) => accepted.find((record) => record.attack === attack)!.id));
  if (accepted.length === 0) return [];
  const { network, task } = networkOf(db, accepted[0]);
  const all = applicable([...CRITERIA.values()], network, task);
  // The baselines have no rule of their own for how many neurons to name, so their repairs would say little.
  const published = new Set(all.filter(({ kind }) => kind !== "baseline").map(({ name }) => name));
  const excises = applicable([excise], network, task).length > 0;
  // These two go by no ranking.
  const training = [finetune, finetuneReinit];
  const tasks = accepted.map(({ id }): JudgeTask => {
    const criteria = all
      .map(({ name }) => name)
      .filter((name) => (!LEARNING.has(name) || shown.has(id)) && (!MUTATING.has(name) || id === mutated));
    const pruned = criteria.filter((name) => published.has(name) && !MUTATING.has(name));
    // Training is shown at its best and at its floor.
    const usings = repaired.has(id) ? [...pruned, "oracle", "random"] : [];
    const repairs = usings.map((using): RepairName => ({ method: prune.name, using }));
    if (id === first) {
      for (const { name } of training) {
        for (const using of ["oracle", "random"]) repairs.push({ method: name, using });
      }
    }
    if (excises && repaired.has(id) && shown.has(id) && published.has(attribution.name))
      repairs.push({ method: excise.name, using: attribution.name });
    return { id, versions: ["infected", "sham"], criteria, repairs };
  });
  // What takes longest comes first, so that the processes end together.
  const work = ({ criteria, repairs }: JudgeTask) =>
    5 * criteria.filter((name) => LEARNING.has(name) || MUTATING.has(name)).length + criteria.length + repairs.length;
  return tasks.sort((a, b) => work(b) - work(a));
}

/** @throws the first cell's error: on data of its own the demo has no excuse */
async function judgeAll(
  { dir, dataDir, edition, jobs, onCell }: DemoRequest,
  db: Database,
  tasks: readonly JudgeTask[],
): Promise<void> {
  const total = tasks.reduce((sum, task) => sum + task.versions.length * task.criteria.length + task.repairs.length, 0);
  const bytes = tasks.map(({ id }) => {
    const record = db.readDefect(id);
    return judgingBytes(networkOf(db, record).network, record.dataset);
  });
  let done = 0;
  let fault: string | undefined;
  await judgeInWorkers({
    ...{ dir, dataDir, tasks },
    claims: db.layout.path("claims"),
    seed: edition.seed,
    budget: "demo",
    criteria: [...CRITERIA.keys()],
    methods: [...REPAIRS.keys()],
    jobs: Math.min(jobs ?? Number.POSITIVE_INFINITY, chooseJudgeJobs(bytes)),
    onCell: ({ what, status, reason }) => {
      onCell(++done, total, what);
      if (status === "failed") fault ??= `${what}: ${reason}`;
    },
    onWarning: () => undefined,
    onOver: (_, reason) => {
      fault ??= reason;
    },
  });
  if (fault !== undefined) throw new Error(fault);
}
