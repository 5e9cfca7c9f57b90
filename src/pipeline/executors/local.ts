import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import type { Report } from "../build/context.ts";
import type { WorkerMessage, WorkerOrder } from "../build/worker-process.ts";
import { workerEnvironment } from "./worker-memory.ts";

/** How a system ends a program where memory runs out. */
const OUT_OF_MEMORY = " (if memory ran out: fewer --jobs, or a smaller clean.batch or inject.batch in the recipe)";

/** Runs worker processes on this machine until all have finished; the first failure ends the others. */
export async function runLocally(order: WorkerOrder, jobs: number, report: Report): Promise<void> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = fileURLToPath(new URL(`../build/worker-process.${extension}`, import.meta.url));
  const children: ChildProcess[] = [];
  const runOne = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(path, { stdio: ["ignore", "inherit", "inherit", "ipc"], env: workerEnvironment() });
      children.push(child);
      let failure: Error | undefined;
      child.on("message", (message: WorkerMessage) => {
        if (message.type === "progress") report(message.event);
        else if (message.type === "failed") {
          failure = message.name === "InputError" ? new InputError(message.message) : new Error(message.message);
          failure.stack = message.stack;
        }
      });
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        if (code === 0) resolve();
        else
          reject(
            failure ??
              new Error(
                `a worker process ended with ${signal ?? `status ${code}`}; run the same command to go on${signal === "SIGKILL" ? OUT_OF_MEMORY : ""}`,
              ),
          );
      });
      child.send(order);
    });
  const running = Array.from({ length: jobs }, runOne);
  try {
    await Promise.all(running);
  } catch (error) {
    for (const child of children) child.kill();
    await Promise.allSettled(running);
    throw error;
  }
}
