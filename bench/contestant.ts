import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Job, Turn, Warm } from "./job.ts";

/**
 * One side of a comparison in its own process, so that memory is its own. Lines of JSON: it prints a {@link Warm}
 * when it is warm, a {@link Turn} for each line `SECONDS` it is sent, and its peak memory for `end`.
 */
export class Contestant {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private complaints = "";

  constructor(command: string, args: string[], job: Job) {
    const threads = String(job.threads);
    this.child = spawn(command, [...args, JSON.stringify(job)], {
      env: { ...process.env, OMP_NUM_THREADS: threads, PYTHONDONTWRITEBYTECODE: "1" },
    });
    this.child.stderr.on("data", (text) => {
      this.complaints += text;
    });
    // A child that dies is noticed by the end of its output.
    this.child.stdin.on("error", () => undefined);
    this.child.on("error", (error) => {
      this.complaints += error.message;
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  ready(): Promise<Warm> {
    return this.answer();
  }

  /** Works for about so many seconds. */
  turn(seconds: number): Promise<Turn> {
    this.child.stdin.write(`${seconds}\n`);
    return this.answer();
  }

  /** Ends the process. @returns peak resident memory in MiB. */
  async end(): Promise<number> {
    this.child.stdin.write("end\n");
    return (await this.answer<{ peak_mib: number }>()).peak_mib;
  }

  kill(): void {
    this.child.kill();
  }

  private async answer<T>(): Promise<T> {
    const line = await this.lines.next();
    if (!line.done) return JSON.parse(line.value) as T;
    throw new Error(`${this.child.spawnfile} stopped: ${this.complaints.trim().split("\n").slice(-3).join(" | ")}`);
  }
}
