import { fileURLToPath } from "node:url";
import type { Budget } from "../src/core/budget.ts";
import type { LayerScores } from "../src/core/neurons.ts";
import { workerEnvironment } from "../src/pipeline/executors/worker-memory.ts";
import { type Allocator, allocatorVariables } from "./allocators.ts";
import { ChildLines } from "./child-lines.ts";
import type { SuspectSource } from "./suspect-source.ts";

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What one run of a criterion cost. */
export interface Cost {
  seconds: number;
  /** Processor time of all of the process's threads. */
  processor_seconds: number;
  /** How many images went through the model. */
  passes: number;
}

export interface CriterionAnswer extends Cost {
  raw: LayerScores;
  scores: LayerScores;
}

/** What our side is asked. */
export interface Question {
  criterion: string;
  seed: number;
  budget: Budget;
}

/** What PyTorch's side is asked, and its effort beside it. */
export interface TorchQuestion {
  /** Of `criteria.py`. */
  criterion: string;
  seed: number;
  layout: string;
  ways: readonly string[];
  [effort: string]: unknown;
}

/** One side's criteria on one suspect, in a process that stays, so that starting it costs no run. */
export class CriterionSide<Asked> {
  private readonly child: ChildLines;

  private constructor(child: ChildLines) {
    this.child = child;
  }

  static async start<Asked>(child: ChildLines): Promise<CriterionSide<Asked>> {
    await child.answer();
    return new CriterionSide<Asked>(child);
  }

  get pid(): number {
    return this.child.pid;
  }

  localize(question: Asked): Promise<CriterionAnswer> {
    return this.child.ask(JSON.stringify(question));
  }

  kill(): void {
    this.child.kill();
  }
}

/** Ours, with the memory of a worker process. */
export function ourCriteria(source: SuspectSource, threads: number): Promise<CriterionSide<Question>> {
  const args = ["--import", import.meta.resolve("tsx"), fileOf("our-criteria.ts"), JSON.stringify({ source, threads })];
  return CriterionSide.start(new ChildLines(process.execPath, args, threads, workerEnvironment()));
}

/** PyTorch's. @param folder what `writeSuspect` wrote @param allocator one that is installed */
export function torchCriteria(
  python: string,
  folder: string,
  threads: number,
  allocator: Allocator,
): Promise<CriterionSide<TorchQuestion>> {
  const args = [fileOf("../test/torch/criteria.py"), "--threads", String(threads), "serve", folder];
  return CriterionSide.start(new ChildLines(python, args, threads, allocatorVariables(allocator)));
}
