import { groupId, parseDefectId } from "../core/ids.ts";

/**
 * The cell in which a defect's values are averaged first: data set, architecture, attack, level and style
 * (docs/methods.md §13.1).
 */
export function cellOf(id: string): string {
  const key = parseDefectId(id);
  return `${groupId(key)}-${key.level}-${key.style}`;
}

/** Mean inside each cell, then unweighted over cells. @throws Error on no values. */
export function cellMean(samples: readonly { value: number; cell: string }[]): number {
  const cells = new Map<string, { sum: number; count: number }>();
  for (const { value, cell } of samples) {
    const at = cells.get(cell);
    if (at) {
      at.sum += value;
      at.count++;
    } else cells.set(cell, { sum: value, count: 1 });
  }
  if (cells.size === 0) throw new Error("the mean of nothing");
  let total = 0;
  for (const { sum, count } of cells.values()) total += sum / count;
  return total / cells.size;
}
