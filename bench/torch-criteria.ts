import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LayerScores } from "../src/core/neurons.ts";

const SCRIPT = fileURLToPath(new URL("../test/torch/criteria.py", import.meta.url));

/** What one run of a criterion cost. */
export interface Cost {
  seconds: number;
  /** Processor time of all of the process's threads. */
  processor_seconds: number;
  /** How many images went through the model. */
  passes: number;
}

export interface TorchAnswer extends Cost {
  raw: LayerScores;
  scores: LayerScores;
}

/** PyTorch's criteria on one suspect (`criteria.py serve`), in a process that stays, so that starting it costs no run. */
export class TorchCriteria {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private complaints = "";

  /** @param folder what `writeSuspect` wrote */
  constructor(python: string, folder: string, threads: number) {
    this.child = spawn(python, ["-B", SCRIPT, "--threads", String(threads), "serve", folder], {
      env: { ...process.env, OMP_NUM_THREADS: String(threads) },
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

  async ready(): Promise<void> {
    await this.answer();
  }

  localize(criterion: string, seed: number, effort: Record<string, number>): Promise<TorchAnswer> {
    this.child.stdin.write(`${JSON.stringify({ criterion, seed, ...effort })}\n`);
    return this.answer();
  }

  kill(): void {
    this.child.kill();
  }

  private async answer<T>(): Promise<T> {
    const line = await this.lines.next();
    if (!line.done) return JSON.parse(line.value) as T;
    throw new Error(`PyTorch's criteria stopped: ${this.complaints.trim().split("\n").slice(-3).join(" | ")}`);
  }
}
