import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");
const LONGEST_MS = 600_000;

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built program as a user would, in a process, without the environment's defaults for its options. */
export function spawned(args: string[], env: Record<string, string> = {}, cwd?: string): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    cwd,
    env: environment(env),
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

let thread: Worker | undefined;

/**
 * Runs the built program in a thread that stays for all test files of a worker, which spares each call the start of a process.
 * Not for what a process alone has: its folder, its device, signals, children that inherit its output.
 */
export function bdefects(args: string[], env: Record<string, string> = {}): Ran {
  thread ??= start();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1: here, port2: there } = new MessageChannel();
  thread.postMessage({ args, env: environment(env), signal, port: there }, [there]);
  if (Atomics.wait(signal, 0, 0, LONGEST_MS) === "timed-out") throw new Error(`no end of: bdefects ${args.join(" ")}`);
  const ran = receiveMessageOnPort(here)?.message as Ran;
  here.close();
  return ran;
}

function start(): Worker {
  const started = new Worker(new URL("./program-thread.mjs", import.meta.url), { stdout: true, stderr: true });
  // It ends with the worker's process.
  started.unref();
  return started;
}

function environment(more: Record<string, string>): NodeJS.ProcessEnv {
  const { BDEFECTS_DB: _, BDEFECTS_DATA: __, BDEFECTS_DEVICE: ___, ...rest } = process.env;
  return { ...rest, ...more };
}

/** The rows that a verb prints with `--format json`; fails where it did not succeed. */
export function rowsOf(args: string[]): Record<string, unknown>[] {
  const { status, stdout, stderr } = bdefects([...args, "--format", "json"]);
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
