import { type ChildProcess, fork } from "node:child_process";
import { InputError } from "../../core/errors.ts";
import { workerEnvironment } from "./worker-memory.ts";

/** How long a task waits that somebody else is at. */
const BUSY_MS = 500;

export interface Dispatch<Task, Told> {
  /** The worker's script, a file. */
  script: string;
  /** Sent to every worker first. */
  order: object;
  tasks: readonly Task[];
  jobs: number;
  onTold(told: Told): void;
  /** A task is over; `reason` where it was not finished. */
  onOver(task: Task, reason?: string): void;
}

/**
 * What a worker tells: `over` when it is ready for a task or done with one, `busy` where somebody else is at it, `failed`
 * where going on is pointless, and whatever its listener knows.
 */
export type FromWorker<Told> =
  | { type: "over"; reason?: string }
  | { type: "busy" }
  | { type: "failed"; name: string; message: string; stack?: string }
  | { type: "told"; told: Told };

/** What it hears: the order once, then a task whenever it waits for one, in the end the end. */
export type ToWorker<Order, Task> = { type: "order"; order: Order } | { type: "task"; task: Task } | { type: "end" };

/**
 * Hands tasks to worker processes on this machine, one at a time each, until all are over. A worker that dies loses the
 * task that it was at and is replaced; one that says that going on is pointless ends all.
 */
export class Dispatcher<Task, Told> {
  private readonly request: Dispatch<Task, Told>;
  private readonly queue: Task[];
  private open: number;
  private readonly workers = new Map<ChildProcess, Task | undefined>();
  private readonly idle = new Set<ChildProcess>();
  private settle!: { resolve(): void; reject(error: unknown): void };

  private constructor(request: Dispatch<Task, Told>) {
    this.request = request;
    this.queue = [...request.tasks];
    this.open = this.queue.length;
  }

  static async run<Task, Told>(request: Dispatch<Task, Told>): Promise<void> {
    if (request.tasks.length === 0) return;
    const dispatcher = new Dispatcher(request);
    try {
      await new Promise<void>((resolve, reject) => {
        dispatcher.settle = { resolve, reject };
        const count = Math.min(request.jobs, request.tasks.length);
        for (let i = 0; i < count; i++) dispatcher.start();
      });
    } finally {
      await dispatcher.stop();
    }
  }

  private start(): void {
    const child = fork(this.request.script, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: workerEnvironment(),
    });
    this.workers.set(child, undefined);
    child.on("message", (message: FromWorker<Told>) => this.hear(child, message));
    child.on("error", (error) => this.settle.reject(error));
    child.on("exit", (code, signal) => this.lose(child, signal ?? `status ${code}`));
    child.send({ type: "order", order: this.request.order });
  }

  private hear(child: ChildProcess, message: FromWorker<Told>): void {
    if (message.type === "told") this.request.onTold(message.told);
    else if (message.type === "failed") {
      const error = message.name === "InputError" ? new InputError(message.message) : new Error(message.message);
      error.stack = message.stack;
      this.settle.reject(error);
    } else {
      const task = this.workers.get(child);
      this.workers.set(child, undefined);
      this.idle.add(child);
      if (task !== undefined) {
        if (message.type === "busy") setTimeout(() => this.requeue(task), BUSY_MS);
        else this.finish(task, message.reason);
      }
      this.feed();
    }
  }

  private requeue(task: Task): void {
    this.queue.push(task);
    this.feed();
  }

  private finish(task: Task, reason?: string): void {
    this.open--;
    this.request.onOver(task, reason);
  }

  /** Gives waiting workers what there is to do; when nothing is left, all is over. */
  private feed(): void {
    if (this.open === 0) this.settle.resolve();
    for (const child of this.idle) {
      const task = this.queue.shift();
      if (task === undefined) return;
      this.idle.delete(child);
      this.workers.set(child, task);
      child.send({ type: "task", task });
    }
  }

  private lose(child: ChildProcess, how: string): void {
    const task = this.workers.get(child);
    this.workers.delete(child);
    this.idle.delete(child);
    if (this.open === 0) return;
    // One that dies without work would do so again.
    if (task === undefined) this.settle.reject(new Error(`a worker process ended with ${how} before its work`));
    else {
      this.finish(task, `its worker process ended with ${how}`);
      if (this.open > 0) this.start();
      else this.settle.resolve();
    }
  }

  private async stop(): Promise<void> {
    const left = [...this.workers.keys()];
    this.open = 0;
    await Promise.all(
      left.map(async (child) => {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        if (child.exitCode !== null || child.signalCode !== null) return;
        if (this.idle.has(child) && child.connected) child.send({ type: "end" });
        else child.kill();
        await ended;
      }),
    );
  }
}
