import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pluginEnvironment } from "./environment.ts";
import type { GuardMessage, GuardOrder } from "./guard-process.ts";
import { insideNamespaces, isolationFault } from "./isolation.ts";
import { type Placement, placementOf } from "./placement.ts";
import { endRemnants } from "./remnants.ts";

/** Of what a plug-in says on stderr, so much is remembered: enough for its last line. */
const TAIL_CHARS = 4000;
const LONGEST_LINE = 300;
/** For what is still in the pipe when all is over. */
const DRAIN_MS = 1000;

/**
 * Runs a command without a shell, in namespaces of its own where the system has them, else in a process group of its own,
 * and waits for its end; then whatever it left running is ended too. Its stdout is ignored.
 *
 * @param folder appended to the words, and in the environment as `BDEFECTS_SUSPECT`
 * @param unseen folders that it may not see: the database, the results
 * @throws Error where it cannot be started, takes too long, or fails: with the last line of its stderr
 */
export async function runCommand(
  words: readonly string[],
  folder: string,
  timeoutSeconds: number,
  unseen: readonly string[] = [],
): Promise<void> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const guardPath = fileURLToPath(new URL(`./guard-process.${extension}`, import.meta.url));
  const placed = placementOf(words, folder, unseen, [process.execPath, guardPath]);
  const env = pluginEnvironment(folder, placed.hidden, placed.place);
  const guard = startGuard([process.execPath, guardPath], placed, env);
  let tail = "";
  guard.stderr!.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  const closed = new Promise((resolve) => guard.on("close", resolve));
  let timer: NodeJS.Timeout | undefined;
  try {
    const { message, inTime } = await new Promise<{ message?: GuardMessage; inTime: boolean }>((resolve, reject) => {
      timer = setTimeout(() => resolve({ inTime: false }), timeoutSeconds * 1000);
      guard.once("message", (message: GuardMessage) => resolve({ message, inTime: true }));
      guard.once("error", reject);
      guard.once("exit", () => resolve({ message: { type: "ended", status: null, signal: "SIGKILL" }, inTime: true }));
      const order: GuardOrder = { words: [...placed.words, folder], env, folder, cwd: placed.place };
      // It may be over already, which its exit tells.
      guard.send(order, () => undefined);
    });
    endAll(guard, folder);
    // A process that left the group on purpose may keep the pipe open for ever.
    await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
    if (!inTime) throw new Error(`it took longer than ${timeoutSeconds} s and was ended; --plugin-timeout allows more`);
    assertWell(message!, words[0], tail);
  } finally {
    clearTimeout(timer);
    endAll(guard, folder);
    guard.stderr!.destroy();
  }
}

function assertWell(message: GuardMessage, program: string, tail: string): void {
  if (message.type === "unstartable") {
    const why = message.code === "ENOENT" ? "there is no such program" : message.code;
    throw new Error(`cannot start '${program}': ${why}`);
  }
  const { status, signal } = message;
  if (status === 0) return;
  const last = tail.trimEnd().split("\n").at(-1)!.trim().slice(0, LONGEST_LINE);
  throw new Error(`it ended with ${signal ?? `status ${status}`}${last === "" ? "" : `: ${last}`}`);
}

/** Starts the guard, with a channel to it. */
function startGuard(words: readonly string[], { hidden, place }: Placement, env: NodeJS.ProcessEnv): ChildProcess {
  const isIsolated = isolationFault() === null;
  // Without namespaces the command line of this process can be read; what was above it cannot be helped.
  if (!isIsolated) process.title = "bdefects";
  const [command, ...args] = isIsolated ? insideNamespaces(words, hidden, place) : words;
  return spawn(command, args, { detached: true, stdio: ["ignore", "ignore", "pipe", "ipc"], env });
}

/** Ends the guard and all that it guards, whatever session it is in. Safe to repeat. */
function endAll(guard: ChildProcess, folder: string): void {
  endGroup(guard);
  if (isolationFault() !== null) endRemnants(folder);
}

/** Ends the guard's group: in namespaces with that all of it. Safe to repeat. */
function endGroup(guard: ChildProcess): void {
  if (guard.pid === undefined || guard.signalCode !== null) return;
  if (process.platform === "win32") guard.kill();
  else {
    try {
      process.kill(-guard.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
