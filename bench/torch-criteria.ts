import { fileURLToPath } from "node:url";
import type { LayerScores } from "../src/core/neurons.ts";
import { ChildLines } from "./child-lines.ts";

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
  private readonly child: ChildLines;

  /** @param folder what `writeSuspect` wrote */
  constructor(python: string, folder: string, threads: number) {
    this.child = new ChildLines(python, [SCRIPT, "--threads", String(threads), "serve", folder], threads);
  }

  get pid(): number {
    return this.child.pid;
  }

  async ready(): Promise<void> {
    await this.child.answer();
  }

  localize(criterion: string, seed: number, effort: Record<string, number>): Promise<TorchAnswer> {
    return this.child.ask(JSON.stringify({ criterion, seed, ...effort }));
  }

  kill(): void {
    this.child.kill();
  }
}
