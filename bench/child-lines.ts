import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program that is asked by lines on stdin and answers each with a line of JSON. */
export class ChildLines {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private complaints = "";

  /** @param threads of the libraries that go by OpenMP's variable @param variables further ones of its environment */
  constructor(command: string, args: string[], threads: number, variables: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, {
      env: { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: "1", ...variables },
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

  /** Says a line and waits for the answer. @throws Error where the child has stopped, with its last words */
  ask<T>(line: string): Promise<T> {
    this.child.stdin.write(`${line}\n`);
    return this.answer();
  }

  /** The next line, of a child that speaks first. @throws Error where it has stopped, with its last words */
  async answer<T>(): Promise<T> {
    const line = await this.lines.next();
    if (!line.done) return JSON.parse(line.value) as T;
    throw new Error(`${this.child.spawnfile} stopped: ${this.complaints.trim().split("\n").slice(-3).join(" | ")}`);
  }

  kill(): void {
    this.child.kill();
  }
}
