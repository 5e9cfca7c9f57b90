import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { running } from "./running.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** The built program, running beside the test as the leader of a process group of its own. */
export class Builder {
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private stderr = "";

  constructor(args: string[]) {
    const { BDEFECTS_DB: _, BDEFECTS_DATA: __, ...env } = process.env;
    this.child = spawn(process.execPath, [MAIN, ...args], { detached: true, stdio: ["ignore", "ignore", "pipe"], env });
    this.child.stderr!.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    running.add(this);
    this.ended = new Promise((resolve) => {
      // Not "close": orphaned workers keep the pipe open.
      this.child.on("exit", (status, signal) => {
        running.delete(this);
        resolve({ status, signal, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** `kill -9` of the builder and all its workers. */
  killGroup(): void {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** Waits until something is so, or the builder has ended. @returns whether it is so */
  async until(condition: () => boolean): Promise<boolean> {
    while (running.has(this)) {
      if (condition()) return true;
      await sleep(2);
    }
    return condition();
  }
}

/** Processes whose parent is `pid`, from /proc. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => statOf(child)?.parent === pid);
}

/** Whether a process runs; one that has ended and waits to be collected does not. */
export function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z";
}

function statOf(pid: number): { state: string; parent: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}
