import { expect, it } from "vitest";
import { type BoardView, readBoardView, unreadableOfBoard, writeBoardView } from "../../web/src/board/view.ts";

const START: BoardView = {
  ...{
    benchmark: null,
    task: null,
    access: null,
    kind: null,
    slice: {},
    sort: "difference",
    reverse: false,
    cells: null,
  },
};

it("an address gives back the view of the board that it was made from", () => {
  const views: BoardView[] = [
    START,
    { ...START, benchmark: "fresh-7", access: "clean", slice: { attack: "badnets", style: "plain" }, cells: "nc" },
    { ...START, sort: "sham", reverse: true, task: "classification", kind: "outside", slice: { level: "small" } },
  ];
  for (const view of views) expect(readBoardView(writeBoardView(view))).toEqual(view);
});

it("what an address says that cannot be is passed over", () => {
  expect(readBoardView("#sort=rank&reverse=yes&x=1&attack=")).toEqual(START);
});

it("names what an address says and cannot be read, and nothing of what it writes itself", () => {
  expect(unreadableOfBoard("#sort=rank&reverse=yes&x=1&attack=&constructor=2&cells=nc")).toEqual([
    ...["sort rank", "reverse yes", "x 1", "constructor 2"],
  ]);
  const view: BoardView = { ...START, benchmark: "fresh-7", task: "t", sort: "name", reverse: true, cells: "nc" };
  expect(
    unreadableOfBoard(writeBoardView({ ...view, access: "clean", kind: "own", slice: { level: "small" } })),
  ).toEqual([]);
});
