/** A cell of a judging run: one criterion on one model, or one repair with one choice of neurons. */
export interface CellOutcome {
  /** `ID:version criterion` or `ID[:version] method using` */
  what: string;
  id: string;
  /** `kept`: was finished before. */
  status: "kept" | "done" | "failed";
  /** All that the cell took, measuring included. */
  seconds: number;
  error?: Error;
}

/** Told of every cell when it is over. Where nobody listens, a cell that fails ends the run. */
export type OnOutcome = (outcome: CellOutcome) => void;

/** Runs the work of one cell. @returns null where it failed and somebody was told */
export async function runCell<T>(
  cell: Pick<CellOutcome, "what" | "id">,
  onOutcome: OnOutcome | undefined,
  work: () => Promise<T>,
): Promise<T | null> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  try {
    const result = await work();
    onOutcome?.({ ...cell, status: "done", seconds: seconds() });
    return result;
  } catch (cause) {
    if (!onOutcome) throw cause;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    onOutcome({ ...cell, status: "failed", seconds: seconds(), error });
    return null;
  }
}
