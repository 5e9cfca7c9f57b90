import { expect, it } from "vitest";
import type { SiteBoard, SiteSide } from "../../src/records/board.ts";
import { groupsOf, isAscending } from "../../web/src/board/rows.ts";
import { readBoardView } from "../../web/src/board/view.ts";

const CLEAN = "clean/signs-resnet18w4-s1";
const side = (wji: number, seconds: number | null): SiteSide => [wji, 0.5, 3, seconds];

/** A board of two defects and entries with these seconds of infected models and shams. */
function boardOf(seconds: Record<string, (number | null)[]>): SiteBoard {
  const defects = ["badnets", "sra"].map((attack) => ({
    ...{ id: `signs-resnet18w4-${attack}-small-top000`, clean: CLEAN, task: "classification", shown: true },
  }));
  const entries = Object.entries(seconds).map(([name, [a, b, c, d]]) => ({
    ...{ name, title: name, kind: "own", access: "clean", budget: "short", stored: name, command: null, image: null },
    ...{ author: "", links: [], hashes: [] },
    results: [
      {
        ...{ benchmark: "sample", program: "1", settings: { seed: 1, budget: "short" }, seconds: 1, reused: 0 },
        ...{
          notes: [],
          figures: [],
          failed: {},
          infected: [side(0.8, a), side(0.6, b)],
          sham: [side(0, c), side(0, d)],
        },
      },
    ],
  }));
  return { kind: "site-board", format: 1, benchmarks: [{ name: "sample", sha256: "0", defects }], entries } as never;
}

it("seconds are the median over infected models and shams, as far as they are known", () => {
  const board = boardOf({ a: [10, 2, 1, 3], b: [null, 7, null, 4], c: [null, null, null, null] });
  const [group] = groupsOf(board, board.benchmarks[0], readBoardView("#sort=name"));
  expect(group.rows.map(({ entry, seconds }) => [entry.name, seconds])).toEqual([
    ["a", 2.5],
    ["b", 5.5],
    ["c", null],
  ]);
});

it("a table begins with the greatest, of what is better where it is less with the least", () => {
  const board = boardOf({ slow: [9, 9, 9, 9], fast: [1, 1, 1, 1] });
  const first = (hash: string) => groupsOf(board, board.benchmarks[0], readBoardView(hash))[0].rows[0].entry.name;
  expect([first("#sort=seconds"), first("#sort=seconds&reverse=1")]).toEqual(["fast", "slow"]);
  expect([first("#sort=name"), first("#sort=name&reverse=1")]).toEqual(["fast", "slow"]);
  expect(isAscending(readBoardView("#sort=sham"))).toBe(true);
  expect(isAscending(readBoardView(""))).toBe(false);
  expect(isAscending(readBoardView("#reverse=1"))).toBe(true);
});
