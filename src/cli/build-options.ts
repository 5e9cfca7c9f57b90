import { type Command, Option } from "commander";
import { InputError } from "../core/errors.ts";
import { wholeNumber } from "./arguments.ts";

/** Where a build runs and which part of it. */
export interface PlaceOptions {
  executor: "local" | "slurm";
  shardIndex?: number;
  shardCount?: number;
  slurmTasks?: number;
  slurmPartition?: string;
  slurmTime?: string;
  slurmArgs?: string;
  slurmResubmits?: number;
  wait: boolean;
}

const RESUBMITS = 3;

export function addPlaceOptions(command: Command): Command {
  return command
    .addOption(new Option("--executor <kind>", "where to build").choices(["local", "slurm"]).default("local"))
    .option("--shard-index <i>", "build one part only, counted from 0", wholeNumber("--shard-index", 0, 99_999))
    .option("--shard-count <n>", "of so many parts", wholeNumber("--shard-count", 1, 100_000))
    .option(
      "--slurm-tasks <n>",
      "tasks of the job array (default: one per 12 candidates)",
      wholeNumber("--slurm-tasks", 1, 100_000),
    )
    .option("--slurm-partition <name>", "Slurm's partition")
    .option("--slurm-time <limit>", "a task's time limit, as sbatch takes it")
    .option("--slurm-args <text>", "further arguments of sbatch, e.g. '--account=lab --mem=8G'")
    .option(
      "--slurm-resubmits <n>",
      `how often missing candidates are submitted again (default: ${RESUBMITS})`,
      wholeNumber("--slurm-resubmits", 0, 1000),
    )
    .option("--no-wait", "submit, and do not wait for the end");
}

/** The part of a build that is asked for. @throws InputError where one of the two options is missing or too large */
export function shardFrom({ shardIndex, shardCount }: PlaceOptions): { index: number; count: number } | undefined {
  if (shardIndex === undefined && shardCount === undefined) return undefined;
  if (shardIndex === undefined) throw new InputError("--shard-count without --shard-index: give both");
  if (shardCount === undefined) throw new InputError("--shard-index without --shard-count: give both");
  if (shardIndex < shardCount) return { index: shardIndex, count: shardCount };
  throw new InputError(
    `--shard-index ${shardIndex}: counts from 0 to ${shardCount - 1} where --shard-count is ${shardCount}`,
  );
}

/** @throws InputError where an option belongs to the other executor */
export function slurmFrom(options: PlaceOptions) {
  const { slurmTasks: tasks, slurmPartition: partition, slurmTime: time, slurmArgs = "", wait } = options;
  if (options.executor === "slurm") {
    if (shardFrom(options))
      throw new InputError("--shard-index: the tasks of --executor slurm take their shards themselves");
    const args = slurmArgs.split(/\s+/).filter((part) => part !== "");
    return { tasks, partition, time, args, resubmits: options.slurmResubmits ?? RESUBMITS, wait };
  }
  const given = ["slurmTasks", "slurmPartition", "slurmTime", "slurmArgs", "slurmResubmits"] as const;
  const stray = given.find((name) => options[name] !== undefined);
  if (stray) throw new InputError(`--${stray.replace(/[A-Z]/, (c) => `-${c.toLowerCase()}`)}: needs --executor slurm`);
  if (!wait) throw new InputError("--no-wait: needs --executor slurm");
  return undefined;
}
