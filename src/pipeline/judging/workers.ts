import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { processDevice } from "../../engine/device.ts";
import { Dispatcher } from "../executors/dispatch.ts";
import type { JudgeOrder, JudgeTask, ToldOutcome } from "./task.ts";

/** Left to everything else on the machine. */
const MEMORY_SHARE = 0.9;

export interface JudgeWork<Task extends JudgeTask> extends Omit<JudgeOrder, "threads" | "device"> {
  tasks: readonly Task[];
  jobs: number;
  onCell(outcome: ToldOutcome): void;
  /** Every process may say the same. */
  onWarning(text: string): void;
  /** A task is over; `reason` where it was not finished. */
  onOver(task: Task, reason?: string): void;
}

/** Judges in processes of their own, which take one defect at a time. Cells become files, and nothing else is returned. */
export async function judgeInWorkers<Task extends JudgeTask>(work: JudgeWork<Task>): Promise<void> {
  const { tasks, jobs, onCell, onWarning, onOver, ...order } = work;
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const threads = Math.max(1, Math.floor(availableParallelism() / jobs));
  await Dispatcher.run<Task, ToldOutcome | { warning: string }>({
    script: fileURLToPath(new URL(`./worker-process.${extension}`, import.meta.url)),
    order: { ...order, threads, device: processDevice() } satisfies JudgeOrder,
    tasks,
    jobs,
    onTold: (told) => ("warning" in told ? onWarning(told.warning) : onCell(told)),
    onOver,
  });
}

/**
 * As many processes as fit into cores and memory, and as there are defects: each on its own core does more than several cores
 * on one of these small networks.
 *
 * @param bytes memory that judging each of the defects takes
 */
export function chooseJudgeJobs(bytes: readonly number[], cores = availableParallelism()): number {
  const memory = (process.availableMemory() * MEMORY_SHARE) / Math.max(1, ...bytes);
  return Math.max(1, Math.floor(Math.min(cores, memory, bytes.length)));
}
