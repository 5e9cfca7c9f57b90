/**
 * Seconds that cells of a kind (a criterion, a repair) take, learned from finished ones and scaled by the size of the
 * network: an estimate, nothing more.
 */
export class CellRates {
  private readonly kinds = new Map<string, { seconds: number; size: number; count: number }>();

  /** @param size of the network, in any unit: multiply-adds of a forward pass */
  add(kind: string, size: number, seconds: number): void {
    const known = this.kinds.get(kind) ?? { seconds: 0, size: 0, count: 0 };
    this.kinds.set(kind, {
      seconds: known.seconds + seconds,
      size: known.size + size,
      count: known.count + 1,
    });
  }

  /** How many cells of a kind were seen. */
  count(kind: string): number {
    return this.kinds.get(kind)?.count ?? 0;
  }

  /** @returns null where no cell of the kind has finished */
  expect(kind: string, size: number): number | null {
    const known = this.kinds.get(kind);
    return known ? (known.seconds / known.size) * size : null;
  }
}
