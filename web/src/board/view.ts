import { DIVISIONS, type Division, type Slice } from "../../../src/score/board.ts";

/** By what the table can be sorted. */
export const SORTS = ["difference", "infected", "sham", "gated", "seconds", "name"] as const;
export type Sort = (typeof SORTS)[number];

/** All that a link to the board restores. */
export interface BoardView {
  /** Null: the first one. */
  benchmark: string | null;
  task: string | null;
  access: string | null;
  kind: string | null;
  slice: Slice;
  sort: Sort;
  reverse: boolean;
  /** The entry whose cells are shown. */
  cells: string | null;
}

/** Reads the part of an address behind `#`; what is not understood is as if it were absent. */
export function readBoardView(hash: string): BoardView {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const sort = SORTS.find((name) => name === fields.get("sort")) ?? "difference";
  const slice: Slice = {};
  for (const division of DIVISIONS) {
    const value = fields.get(division);
    if (value) slice[division as Division] = value;
  }
  const text = (name: string) => fields.get(name) || null;
  return {
    ...{ benchmark: text("benchmark"), task: text("task"), access: text("access"), kind: text("kind") },
    ...{ slice, sort, reverse: fields.get("reverse") === "1", cells: text("cells") },
  };
}

const TEXTS: readonly string[] = ["benchmark", "task", "access", "kind", "cells", ...DIVISIONS];

/** The parts of an address that {@link readBoardView} passes over, for people. */
export function unreadableOfBoard(hash: string): string[] {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  return [...fields].flatMap(([name, text]) => {
    const isRead =
      name === "sort" ? SORTS.some((sort) => sort === text) : name === "reverse" ? text === "1" : TEXTS.includes(name);
    return isRead ? [] : [`${name} ${text}`];
  });
}

/** The inverse of {@link readBoardView}; what is as at the beginning is left out. */
export function writeBoardView({ slice, sort, reverse, ...texts }: BoardView): string {
  const fields = new URLSearchParams();
  for (const [name, value] of [...Object.entries(texts), ...Object.entries(slice)]) if (value) fields.set(name, value);
  if (sort !== "difference") fields.set("sort", sort);
  if (reverse) fields.set("reverse", "1");
  return `#${fields.toString()}`;
}
