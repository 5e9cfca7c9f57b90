import { median } from "../../../src/core/statistics.ts";
import type { BoardFigure, SiteBoard, SiteBoardEntry, SiteResult, SiteSide } from "../../../src/records/board.ts";
import { type CountedCell, type Division, figureOf, type Place, placesOf, within } from "../../../src/score/board.ts";
import type { BoardView, Sort } from "./view.ts";

export type Benchmark = SiteBoard["benchmarks"][number];

/** One defect in an entry's result. */
export interface ShownCell extends CountedCell {
  shown: boolean;
  sides: Record<"infected" | "sham", SiteSide | null>;
}

/** An entry as the table shows it, in the slice at hand. */
export interface Row {
  entry: SiteBoardEntry;
  result: SiteResult;
  figure: Omit<BoardFigure, "by" | "of">;
  /** Median of a model, where it is known. */
  seconds: number | null;
  /** Null: it does not compete. */
  place: Place | null;
}

/** Entries of one access and budget: what competes with each other. */
export interface Group {
  access: string;
  budget: string;
  rows: Row[];
}

export function cellsOf({ defects }: Benchmark, { infected, sham, failed }: SiteResult): ShownCell[] {
  return defects.map(({ id, clean, shown }, at) => {
    const side = (values: SiteSide | null, version: string) => ({
      wji: values?.[0] ?? null,
      named: values?.[2] ?? null,
      ...(Object.hasOwn(failed, `${id}:${version}`) && { failed: failed[`${id}:${version}`] }),
    });
    return {
      ...{ id, clean, shown, infected: side(infected[at], "infected"), sham: side(sham[at], "sham") },
      sides: { infected: infected[at], sham: sham[at] },
    };
  });
}

/** Cells of the task and slice of a view. */
export function chosenCells<T extends { id: string }>(cells: readonly T[], benchmark: Benchmark, view: BoardView): T[] {
  const tasks = new Map(benchmark.defects.map(({ id, task }) => [id, task]));
  return within(cells, view.slice).filter(({ id }) => view.task === null || tasks.get(id) === view.task);
}

/** Figures that were computed for other views: intervals take thousands of draws. */
const known = new WeakMap<SiteResult, Map<string, Omit<BoardFigure, "by" | "of">>>();

function figureIn(entry: SiteBoardEntry, result: SiteResult, benchmark: Benchmark, view: BoardView) {
  const divisions = Object.entries(view.slice) as [Division, string][];
  // What the entry states was computed from the same cells by the same function.
  const [by, of] = divisions[0] ?? [null, null];
  const stated =
    divisions.length > 1 || view.task !== null
      ? undefined
      : result.figures.find((one) => one.by === by && one.of === of);
  if (stated) return stated;
  const key = JSON.stringify([view.task, view.slice]);
  const figures = known.get(result) ?? new Map();
  known.set(result, figures);
  let figure = figures.get(key);
  if (!figure) {
    const { stored: criterion, access, budget } = entry;
    figure = figureOf(chosenCells(cellsOf(benchmark, result), benchmark, view), { criterion, access, budget });
    figures.set(key, figure);
  }
  return figure;
}

function medianSeconds(cells: readonly ShownCell[]): number | null {
  const times = cells
    .flatMap(({ sides }) => [sides.infected?.[3] ?? null, sides.sham?.[3] ?? null])
    .filter((time) => time !== null);
  return times.length === 0 ? null : median(times);
}

const VALUES: Record<Exclude<Sort, "name">, (row: Row) => number | null> = {
  difference: ({ figure }) => figure.difference?.value ?? null,
  infected: ({ figure }) => figure.infected,
  sham: ({ figure }) => figure.sham,
  gated: ({ figure }) => figure.gated.difference?.value ?? null,
  seconds: ({ seconds }) => seconds,
};
/** Here less is better, and comes first. */
const LEAST_FIRST: readonly Sort[] = ["sham", "seconds", "name"];

/** Whether the table of a view begins with the least. */
export function isAscending({ sort, reverse }: Pick<BoardView, "sort" | "reverse">): boolean {
  return LEAST_FIRST.includes(sort) !== reverse;
}

/** The table of a view: entries that see the same and may spend the same, best first. */
export function groupsOf(board: SiteBoard, benchmark: Benchmark, view: BoardView): Group[] {
  const groups = new Map<string, Group>();
  for (const entry of board.entries) {
    const result = entry.results.find((one) => one.benchmark === benchmark.name);
    if (!result || (view.access !== null && entry.access !== view.access)) continue;
    const figure = figureIn(entry, result, benchmark, view);
    const seconds = medianSeconds(chosenCells(cellsOf(benchmark, result), benchmark, view));
    const key = `${entry.access} ${entry.budget}`;
    const group = groups.get(key) ?? { access: entry.access, budget: entry.budget, rows: [] };
    groups.set(key, group);
    group.rows.push({ entry, result, figure, seconds, place: null });
  }
  for (const group of groups.values()) {
    // Whoever looks at one kind alone still sees the places among all.
    const places = placesOf(
      group.rows.map(({ entry, figure }) => ({
        difference: figure.difference,
        competes: entry.kind !== "baseline" && figure.missing === 0,
      })),
    );
    group.rows = group.rows
      .map((row, at) => ({ ...row, place: places[at] }))
      .filter(({ entry }) => view.kind === null || entry.kind === view.kind)
      .sort((a, b) => compare(a, b, view));
  }
  const order = ["clean", "failing", "oracle"];
  return [...groups.values()]
    .filter(({ rows }) => rows.length > 0)
    .sort((a, b) => order.indexOf(a.access) - order.indexOf(b.access) || (a.budget < b.budget ? 1 : -1));
}

function compare(a: Row, b: Row, view: BoardView): number {
  const { sort } = view;
  const turn = isAscending(view) ? 1 : -1;
  const byName = a.entry.name < b.entry.name ? -1 : 1;
  if (sort === "name") return turn * byName;
  const [x, y] = [VALUES[sort](a), VALUES[sort](b)];
  // What is unknown comes last, however the others stand.
  if (x === null || y === null) return x === y ? byName : x === null ? 1 : -1;
  return turn * (x - y) || byName;
}

/** `3` or `2–4`: the places that an interval does not rule out. */
export function placeText(place: Place | null): string {
  if (place === null) return "–";
  return place.best === place.worst ? String(place.best) : `${place.best}–${place.worst}`;
}

/** With its sign, as in the ranking of `score --summary`. */
export function signed(value: number | null): string {
  return value === null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

export function share(value: number | null): string {
  return value === null ? "–" : value.toFixed(3);
}
