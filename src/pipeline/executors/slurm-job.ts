import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256Hex } from "../../core/hash.ts";
import { processDevice } from "../../engine/device.ts";
import type { Database } from "../../store/database.ts";
import { writeAtomic } from "../../store/disk/fs.ts";
import type { Plan } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import type { Edition, SliceSelection } from "../recipe/recipe.ts";

/** A job array in the making: its name, its folder below `jobs/`, and what it asks the cluster for. */
export interface SlurmJob {
  name: string;
  folder: string;
  script: string;
  tasks: number;
  /** Worker processes per task. */
  workers: number;
}

export interface JobRequest {
  db: Database;
  dataDir: string;
  edition: Edition;
  select: SliceSelection;
  plan: Plan;
  tasks: number;
  /** Worker processes per task. */
  jobs?: number;
  /** Bytes that one worker needs at most. */
  workerBytes: number;
}

const MAIN = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const MEBIBYTE = 2 ** 20;

/**
 * Writes the script of a job array, and the edition that its tasks build, so that a recipe that is edited meanwhile
 * changes nothing. The name follows from database, edition and slice: the same command finds its running job by it.
 */
export function writeJob(request: JobRequest): SlurmJob {
  const { db, tasks, edition, select } = request;
  const text = `${JSON.stringify({ ...edition, select }, null, 2)}\n`;
  const dir = realpathSync(db.dir);
  const name = `bdefects-${sha256Hex(new TextEncoder().encode(`${dir}\n${text}`)).slice(0, 12)}`;
  const folder = join(dir, "jobs", name);
  const tmp = db.layout.path("tmp");
  writeAtomic(join(folder, "edition.json"), text, tmp);
  const script = join(folder, "job.sh");
  const size = taskSize(request);
  writeAtomic(script, scriptText(request, size, name, folder, dir), tmp);
  return { name, folder, script, tasks, workers: size.workers };
}

/** As many workers as fit into the threads that training a clean model takes anyway, unless another number is given. */
function taskSize({ edition, plan, jobs }: JobRequest): { workers: number; cpus: number } {
  const most = (values: number[]) => Math.max(1, ...values);
  const cleanThreads = most(plan.clean.map((planned) => settingsFor(edition.clean, planned).threads));
  const injectThreads = most(plan.candidates.map(({ key }) => settingsFor(edition.inject, key).threads));
  const workers = jobs ?? Math.max(1, Math.floor(cleanThreads / injectThreads));
  return { workers, cpus: Math.max(cleanThreads, workers * injectThreads) };
}

function scriptText(
  { dataDir, tasks, workerBytes }: JobRequest,
  { workers, cpus }: { workers: number; cpus: number },
  name: string,
  folder: string,
  dir: string,
): string {
  const command = [
    ...[process.execPath, MAIN, "build", "--edition", join(folder, "edition.json"), "--db", dir],
    ...["--data", resolve(dataDir), "--shard-count", String(tasks), "--jobs", String(workers)],
    ...["--device", processDevice()],
  ];
  return [
    "#!/bin/sh",
    "# Written by 'bdefects build --executor slurm', which submits it; the log of every task is beside it.",
    `#SBATCH --job-name=${name}`,
    `#SBATCH --array=0-${tasks - 1}`,
    `#SBATCH --cpus-per-task=${cpus}`,
    `#SBATCH --mem=${Math.ceil((workers * workerBytes) / MEBIBYTE)}M`,
    "#SBATCH --output=%A_%a.log",
    "#SBATCH --open-mode=append",
    "#SBATCH --requeue",
    `exec ${command.map(quote).join(" ")} --shard-index "$SLURM_ARRAY_TASK_ID" --format json`,
    "",
  ].join("\n");
}

/** The job that indexes after an array that nobody waits for. */
export function indexCommand(db: Database): string {
  return ["exec", ...[process.execPath, MAIN, "reindex", "--db", realpathSync(db.dir)].map(quote)].join(" ");
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
