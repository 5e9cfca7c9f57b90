import { CheckFailed } from "../core/errors.ts";
import { oneLine } from "../core/visible.ts";
import type { CellOutcome } from "../pipeline/judging/cells.ts";
import { Progress } from "./progress.ts";

/** Runs work with its progress on stderr, which goes away whatever happens. @param noun of what is counted */
export async function withCellProgress<T>(
  work: (update: (done: number, total: number, what: string) => void) => Promise<T>,
  noun = "cells",
): Promise<T> {
  const progress = new Progress(noun);
  try {
    return await work((done, total, what) => progress.update({ done, total, what }));
  } finally {
    progress.stop();
  }
}

/**
 * A line for every cell that failed, on stderr.
 *
 * @param others cells that did not
 * @throws CheckFailed where there are any
 */
export function reportFailures(failures: readonly CellOutcome[], others: number): void {
  if (failures.length === 0) return;
  process.stderr.write(failures.map(failureLine).join(""));
  throw new CheckFailed(
    `${failures.length} of ${failures.length + others} cells failed, and nothing of them is stored: the same command tries them again`,
  );
}

/** One line for stderr, whatever the message holds. */
export function failureLine({ what, error }: Pick<CellOutcome, "what" | "error">): string {
  return `failed: ${oneLine(what)}: ${oneLine(error?.message ?? "")}\n`;
}
