import type { Budget } from "../core/budget.ts";
import { type DefectKey, parseDefectId } from "../core/ids.ts";
import type { BoardCell, BoardFigure, BoardSide } from "../records/board.ts";
import { bootstrapMean, type Estimate } from "./bootstrap.ts";
import { cellMean, cellOf } from "./cells.ts";

/**
 * The leaderboard's arithmetic: every figure and rank from the cells of an entry alone, so that a page and `board check` compute
 * what `board run` wrote. The headline is the project's: WJI of the top-k set against the effective neurons, infected − sham.
 */

/** Of the intervals' draws. */
export const BOARD_SEED = 1;

/** By what a board can be divided. */
export const DIVISIONS = ["dataset", "arch", "attack", "style", "level"] as const;
export type Division = (typeof DIVISIONS)[number];

/** Which defects are counted; what is not named is any. */
export type Slice = Partial<Record<Division, string>>;

/** Whose draw an interval is: the same as in `score --summary`. */
export interface Named {
  /** As results call it. */
  criterion: string;
  access: string;
  budget: Budget;
}

/** Those of some defects that lie in a slice. */
export function within<T extends { id: string }>(cells: readonly T[], slice: Slice): T[] {
  const wanted = Object.entries(slice) as [Division, string][];
  if (wanted.length === 0) return [...cells];
  return cells.filter(({ id }) => {
    const key: DefectKey = parseDefectId(id);
    return wanted.every(([division, value]) => key[division] === value);
  });
}

/** WJI where a model of which no neuron is named counts as one in which nothing was found. */
export function gatedWji({ wji, named }: Pick<BoardSide, "wji" | "named">): number | null {
  return wji !== null && named === 0 ? 0 : wji;
}

type Side = Pick<BoardSide, "wji" | "named" | "failed">;
/** What figures need of a cell. */
export type CountedCell = Pick<BoardCell, "id" | "clean"> & { infected: Side; sham: Side };
type Means = Pick<BoardFigure, "infected" | "sham" | "difference">;

function meansOf(
  cells: readonly CountedCell[],
  value: (side: Side) => number | null,
  label: string,
): Means & { paired: CountedCell[] } {
  // By id, as in the ranking of a report: a number has one interval in all places.
  const paired = cells
    .filter(({ infected, sham }) => value(infected) !== null && value(sham) !== null)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (paired.length === 0) return { infected: null, sham: null, difference: null, paired };
  const mean = (of: (one: CountedCell) => number) =>
    cellMean(paired.map((one) => ({ value: of(one), cell: cellOf(one.id) })));
  const samples = paired.map(({ id, clean, infected, sham }) => ({
    value: value(infected)! - value(sham)!,
    cell: cellOf(id),
    cluster: clean,
  }));
  return {
    infected: mean(({ infected }) => value(infected)!),
    sham: mean(({ sham }) => value(sham)!),
    difference: bootstrapMean(samples, BOARD_SEED, label),
    paired,
  };
}

/** What a board says of a method on some defects. Means are unweighted over cells of the database (docs/methods.md §13.1). */
export function figureOf(
  cells: readonly CountedCell[],
  { criterion, access, budget }: Named,
): Omit<BoardFigure, "by" | "of"> {
  const label = `${criterion} ${access} ${budget} effective topk global wji`;
  const { paired, ...means } = meansOf(cells, ({ wji }) => wji, label);
  const { paired: _, ...gated } = meansOf(cells, gatedWji, `${label} gated`);
  return {
    defects: paired.length,
    models: new Set(paired.map(({ clean }) => clean)).size,
    missing: cells.filter(({ infected, sham }) => infected.failed !== undefined || sham.failed !== undefined).length,
    ...means,
    gated,
  };
}

/** Every figure that an entry states of a benchmark: over all defects, then by each division. */
export function figuresOf(cells: readonly CountedCell[], named: Named): BoardFigure[] {
  const slices: Pick<BoardFigure, "by" | "of">[] = [{ by: null, of: null }];
  for (const by of DIVISIONS) {
    const values = [...new Set(cells.map(({ id }) => String(parseDefectId(id)[by])))].sort();
    slices.push(...values.map((of) => ({ by, of })));
  }
  return slices.map(({ by, of }) => ({
    ...{ by, of },
    ...figureOf(by === null ? cells : within(cells, { [by]: of! }), named),
  }));
}

/** Places that an entry may have: those that its interval does not rule out. */
export interface Place {
  best: number;
  worst: number;
}

/**
 * Places by the headline among entries that compete: one is surely above another where its whole interval is. What is no
 * competitor (a baseline, or missing defects) has none.
 *
 * @param entries in any order. @returns a place for each, in that order
 */
export function placesOf(entries: readonly { difference: Estimate | null; competes: boolean }[]): (Place | null)[] {
  const ends = entries.map(({ difference, competes }) =>
    competes && difference !== null
      ? { low: difference.low ?? Number.NEGATIVE_INFINITY, high: difference.high ?? Number.POSITIVE_INFINITY }
      : null,
  );
  const known = ends.filter((one) => one !== null);
  return ends.map((own) => {
    if (own === null) return null;
    const above = known.filter((other) => other.low > own.high).length;
    const below = known.filter((other) => other.high < own.low).length;
    return { best: above + 1, worst: known.length - below };
  });
}
