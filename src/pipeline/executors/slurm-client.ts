import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { InputError } from "../../core/errors.ts";

/** A job (or a part of a job array) that Slurm still has in its queue. */
export interface QueuedJob {
  /** The number of the job, or of the array that it belongs to. */
  job: string;
  /** Slurm's word, e.g. `PENDING`, `RUNNING`. */
  state: string;
  /** Why it does not run yet, in Slurm's words. */
  reason: string;
}

/** @throws InputError in one line where this machine has no Slurm commands */
export async function requireSlurm(): Promise<void> {
  await slurm("sbatch", ["--version"]);
}

/** Submits a job. @returns its number @throws InputError with what `sbatch` said */
export async function submit(args: string[]): Promise<string> {
  // `--parsable` prints `number[;cluster]`.
  return (await slurm("sbatch", ["--parsable", ...args])).trim().split(";")[0];
}

/** The user's jobs of a name that have not ended. @throws InputError with what `squeue` said */
export async function queuedJobs(name: string): Promise<QueuedJob[]> {
  const format = ["--noheader", "--format=%F %T %r"];
  const text = await slurm("squeue", [`--name=${name}`, `--user=${userInfo().username}`, ...format]);
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [job, state, ...reason] = line.trim().split(" ");
      return { job, state, reason: reason.join(" ") };
    });
}

function slurm(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { encoding: "utf8" }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        reject(
          new InputError(
            `--executor slurm: no '${command}' on this machine; run on a machine of the cluster that can submit jobs, or with --executor local`,
          ),
        );
      } else {
        const said = stderr.trim().split("\n").at(-1) || error.message;
        reject(new InputError(`--executor slurm: ${command}: ${said}`));
      }
    });
  });
}
