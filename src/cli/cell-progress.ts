import { Presets, SingleBar } from "cli-progress";
import type { CellOutcome } from "../pipeline/judging/cells.ts";

/** Shows how far a run over many cells is: a bar with the time left on a terminal, nothing elsewhere (stderr). */
export class CellProgress {
  private readonly bar: SingleBar | null;
  private started = false;

  constructor() {
    const format = "{bar} {value}/{total} | {eta_formatted} left | {what}";
    const options = { format, stream: process.stderr, hideCursor: true, clearOnComplete: true, etaBuffer: 30 };
    this.bar = process.stderr.isTTY ? new SingleBar(options, Presets.shades_classic) : null;
  }

  readonly update = (done: number, total: number, what: string): void => {
    if (!this.bar) return;
    if (!this.started) this.bar.start(total, done, { what });
    else this.bar.update(done, { what });
    this.started = true;
  };

  stop(): void {
    if (this.started) this.bar?.stop();
  }
}

/** Runs work with a progress bar that goes away whatever happens. */
export async function withCellProgress<T>(work: (update: CellProgress["update"]) => Promise<T>): Promise<T> {
  const progress = new CellProgress();
  try {
    return await work(progress.update);
  } finally {
    progress.stop();
  }
}

/** One line for stderr, whatever the message holds. */
export function failureLine({ what, error }: Pick<CellOutcome, "what" | "error">): string {
  return `failed: ${what}: ${(error?.message ?? "").trim().replace(/\s*[\r\n]+\s*/g, " ")}\n`;
}
