import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../core/errors.ts";
import { Catalog } from "../../store/catalog/catalog.ts";
import type { Database } from "../../store/database.ts";
import { listFolder, readBytes } from "../../store/disk/fs.ts";
import { type BuildRequest, expectedSeconds, prepareBuild } from "../build/build.ts";
import { RecordWatch } from "../build/record-watch.ts";
import { workerBytes } from "../estimate/memory.ts";
import type { Plan } from "../plan/plan.ts";
import { shardOf } from "../plan/shard.ts";
import { type QueuedJob, queuedJobs, requireSlurm, submit } from "./slurm-client.ts";
import { indexCommand, type SlurmJob, writeJob } from "./slurm-job.ts";

export interface SlurmOptions {
  /** Tasks of the job array; one per `CANDIDATES_PER_TASK` candidates by default. */
  tasks?: number;
  partition?: string;
  time?: string;
  /** Further arguments of `sbatch`; they win over the script's. */
  args: string[];
  /** How often missing candidates are submitted again. */
  resubmits: number;
  /** Whether to wait for the end. */
  wait: boolean;
}

export interface SlurmOutcome {
  db: Database;
  plan: Plan;
  /** The array that was submitted last or found running; null where there was nothing to do. */
  job: string | null;
  tasks: number;
  /** The job that will index, where nobody waits. */
  indexJob: string | null;
}

const CANDIDATES_PER_TASK = 12;
const RECORDS_MS = 1_000;
/** The queue is asked more seldom: on a cluster many ask. */
const QUEUE_MS = 5_000;
/** A controller that restarts answers no questions for a while; so often in a row it may stay silent. */
const SILENCES = 60;

/**
 * Builds a slice as one Slurm job array whose tasks each build their shard, and waits for it. A task that was killed
 * leaves candidates missing: their shards are submitted again once the array has ended. A submitter that was killed
 * is replaced by the same command, which finds the running array by its name. Claims keep any two tasks from doing
 * the same work. In the end this one process indexes.
 */
export async function buildOnSlurm(request: BuildRequest, options: SlurmOptions): Promise<SlurmOutcome> {
  await requireSlurm();
  const { db, plan } = await prepareBuild(request);
  const { report, dataDir, edition, select, jobs } = request;
  const tasks = Math.min(
    options.tasks ?? Math.ceil(plan.candidates.length / CANDIDATES_PER_TASK),
    plan.candidates.length,
  );
  const need = Math.max(...plan.clean.map((planned) => workerBytes(edition, planned)));
  const array = writeJob({ db, dataDir, edition, select, plan, tasks, jobs, workerBytes: need });
  const watch = new RecordWatch(db, plan);
  const note = (text: string) => report({ type: "note", text });
  report({ type: "start", expected: await expectedSeconds(edition, plan, dataDir, db), jobs: tasks * array.workers });

  let queue = await queuedJobs(array.name);
  let job = queue[0]?.job ?? null;
  if (job !== null) note(`going on with job ${job}, which runs already; logs in ${array.folder}`);
  else if (watch.missing() > 0) {
    job = await submitMissing(array, options, db, plan);
    note(`submitted job ${job}, ${tasks} task(s); logs in ${array.folder}`);
  }
  if (!options.wait) {
    const indexJob = job === null ? null : await submitIndex(array, options, db, job);
    return { db, plan, job, tasks, indexJob };
  }

  let resubmitted = 0;
  let asked = Date.now();
  let silences = 0;
  for (;;) {
    for (const event of watch.news()) report(event);
    if (watch.missing() === 0) break;
    if (Date.now() - asked > QUEUE_MS) {
      asked = Date.now();
      try {
        queue = await queuedJobs(array.name);
        silences = 0;
      } catch (error) {
        if (++silences > SILENCES) throw error;
        await sleep(RECORDS_MS);
        continue;
      }
      if (queue.length > 0) report({ type: "stage", id: "Slurm", stage: describe(queue) });
      else {
        // What was written after the last look.
        for (const event of watch.news()) report(event);
        if (watch.missing() === 0) break;
        if (resubmitted === options.resubmits) throw givenUp(array, watch.missing(), resubmitted);
        resubmitted++;
        job = await submitMissing(array, options, db, plan);
        note(
          `${watch.missing()} model(s) are missing after the job's end; submitted job ${job} (${resubmitted} of at most ${options.resubmits} times)`,
        );
      }
    }
    await sleep(RECORDS_MS);
  }
  await new Catalog(db).rebuild();
  return { db, plan, job, tasks, indexJob: null };
}

/** Submits the shards of which something is missing. */
function submitMissing(array: SlurmJob, options: SlurmOptions, db: Database, plan: Plan): Promise<string> {
  const indices = Array.from({ length: array.tasks }, (_, index) => index).filter((index) => {
    const shard = shardOf(plan, { index, count: array.tasks });
    return shard.candidates.some(({ id }) => !db.hasDefect(id)) || shard.clean.some(({ id }) => !db.hasClean(id));
  });
  return submit([...shared(array, options), `--array=${ranges(indices)}`, array.script]);
}

function submitIndex(array: SlurmJob, options: SlurmOptions, db: Database, after: string): Promise<string> {
  const name = `--job-name=${array.name}-index`;
  const when = `--dependency=afterany:${after}`;
  return submit([...shared(array, options), name, when, "--output=%j.log", `--wrap=${indexCommand(db)}`]);
}

function shared({ folder }: SlurmJob, { partition, time, args }: SlurmOptions): string[] {
  const place = partition === undefined ? [] : [`--partition=${partition}`];
  const limit = time === undefined ? [] : [`--time=${time}`];
  return [`--chdir=${folder}`, ...place, ...limit, ...args];
}

/** `0-2,5`: what `--array` takes. @param indices ascending */
export function ranges(indices: number[]): string {
  const parts: [number, number][] = [];
  for (const index of indices) {
    const last = parts.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else parts.push([index, index]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/** `2 running, 1 pending (Resources)` */
function describe(queue: QueuedJob[]): string {
  const counts = new Map<string, number>();
  for (const { state, reason } of queue) {
    const word = state === "PENDING" ? `pending (${reason})` : state.toLowerCase();
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${count} ${word}`).join(", ");
}

function givenUp(array: SlurmJob, missing: number, resubmitted: number): InputError {
  const times = resubmitted === 0 ? "" : ` and was submitted again ${resubmitted} time(s)`;
  return new InputError(
    `the job has ended${times}, and ${missing} model(s) are missing; logs in ${array.folder}${lastWords(array)}; the same command goes on`,
  );
}

/** The last error that a task of the array has told in its log. */
function lastWords({ folder }: SlurmJob): string {
  const errors = listFolder(folder)
    .filter((file) => /^\d+_\d+\.log$/.test(file))
    .flatMap((file) => readBytes(join(folder, file)).toString("utf8").split("\n"))
    .filter((line) => /^(error|slurmstepd): /.test(line));
  return errors.length > 0 ? `; one ends with '${errors.at(-1)}'` : "";
}
