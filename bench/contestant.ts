import { ChildLines } from "./child-lines.ts";
import type { Job, Turn, Warm } from "./job.ts";

/**
 * One side of a comparison in its own process, so that memory is its own. Lines of JSON: it prints a {@link Warm}
 * when it is warm, a {@link Turn} for each line `SECONDS` it is sent, and its peak memory for `end`.
 */
export class Contestant {
  private readonly child: ChildLines;

  constructor(command: string, args: string[], job: Job, variables?: NodeJS.ProcessEnv) {
    this.child = new ChildLines(command, [...args, JSON.stringify(job)], job.threads, variables);
  }

  get pid(): number {
    return this.child.pid;
  }

  ready(): Promise<Warm> {
    return this.child.answer();
  }

  /** Works for about so many seconds. */
  turn(seconds: number): Promise<Turn> {
    return this.child.ask(String(seconds));
  }

  /** Ends the process. @returns peak resident memory in MiB. */
  async end(): Promise<number> {
    return (await this.child.ask<{ peak_mib: number }>("end")).peak_mib;
  }

  kill(): void {
    this.child.kill();
  }
}
