import { mean, median } from "../../core/statistics.ts";

/** The network that a cell is about. */
export interface CellNetwork {
  /** Its name, with its data set's: how many images a defender has is part of what a cell takes. */
  network: string;
  /** In any unit: multiply-adds of a forward pass. */
  size: number;
}

/** A cell that took longer, in terms of the median, was stopped in between, or ran beside other work. */
const LONGEST = 4;

/**
 * Seconds that cells of a kind (a criterion, a repair) take, learned from finished ones: those of the same network, or
 * where there are none all others, scaled by the size of the networks. An estimate, nothing more.
 */
export class CellRates {
  private readonly finished = new Map<string, { network: string; seconds: number; perSize: number }[]>();
  /** What was worked out since the last cell was added. */
  private readonly typical = new Map<string, number | null>();

  add(kind: string, { network, size }: CellNetwork, seconds: number): void {
    const cells = this.finished.get(kind) ?? [];
    this.finished.set(kind, cells);
    cells.push({ network, seconds, perSize: seconds / size });
    this.typical.clear();
  }

  /** @returns null where no cell of the kind has finished */
  expect(kind: string, { network, size }: CellNetwork): number | null {
    const same = this.once(`${kind}\n${network}`, () =>
      this.cells(kind)
        .filter((cell) => cell.network === network)
        .map(({ seconds }) => seconds),
    );
    if (same !== null) return same;
    const scaled = this.once(kind, () => this.cells(kind).map(({ perSize }) => perSize));
    return scaled === null ? null : scaled * size;
  }

  private cells(kind: string) {
    return this.finished.get(kind) ?? [];
  }

  private once(key: string, values: () => number[]): number | null {
    const known = this.typical.get(key);
    if (known !== undefined) return known;
    const found = typicalOf(values());
    this.typical.set(key, found);
    return found;
  }
}

/** The mean, so that cells which had nothing to do count, too; what is far above the median counts as little more. */
function typicalOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const most = LONGEST * median(values);
  return mean(most > 0 ? values.map((value) => Math.min(value, most)) : values);
}
