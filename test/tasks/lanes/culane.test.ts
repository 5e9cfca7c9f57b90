import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { culaneLaneAt, culaneLinesFile, readCulaneLines, readCulaneList } from "../../../src/tasks/lanes/culane.ts";
import { temporaryFolder } from "../../store/temp.ts";
import { LACKS_REAL, REAL } from "./real-labels.ts";

function file(text: string): string {
  const path = join(temporaryFolder(), "x.txt");
  writeFileSync(path, text);
  return path;
}

describe("CULane's lanes", () => {
  it("are one a line, points from the bottom upwards", () => {
    expect(readCulaneLines(file("-20.5 580 19.25 570 \n\n820 590 820 295\n"))).toEqual([
      [
        { x: -20.5, y: 580 },
        { x: 19.25, y: 570 },
      ],
      [
        { x: 820, y: 590 },
        { x: 820, y: 295 },
      ],
    ]);
    expect(readCulaneLines(file(""))).toEqual([]);
  });

  it("are taken at rows of a 1280×720 picture", () => {
    const [lane] = readCulaneLines(file("820 590 410 295"));
    expect(culaneLaneAt(lane, [350, 360, 540, 720, 730])).toEqual([-2, 320, 480, 640, -2]);
    const [edge] = readCulaneLines(file("-100 590 300 295"));
    expect(culaneLaneAt(edge, [700])).toEqual([-2]);
  });

  it.each([
    ["1 2 3", /x.txt:1: has 3 numbers; x and y come in pairs/],
    ["1 2\n1 b", /x.txt:2: value 2 is no number/],
    ["1 Infinity", /value 2 is no number/],
    ["1e9 5", /value 1 is no number from −10000 to 10000/],
    ["1 2 3 4", /do not go upwards/],
    ["1 1\n".repeat(5), /x.txt:5: has more than 4 lanes/],
  ])("%j is refused", (text, expected) => {
    const path = file(text);
    expect(() => readCulaneLines(path)).toThrow(InputError);
    expect(() => readCulaneLines(path)).toThrow(expected);
  });

  it.skipIf(LACKS_REAL)("are read from a real file", () => {
    const lanes = readCulaneLines(join(REAL, "culane-format", "example.lines.txt"));
    expect(lanes.map((lane) => lane.length)).toEqual([18, 19, 19, 16]);
  });
});

describe("CULane's lists", () => {
  it("are paths below the folder, with or without further fields", () => {
    const list = readCulaneList(file("/driver_23/a.MP4/00000.jpg\n/d/1.jpg /laneseg/1.png 1 1 0 0\n"));
    expect(list).toEqual(["driver_23/a.MP4/00000.jpg", "d/1.jpg"]);
    expect(culaneLinesFile("root", list[0])).toBe(join("root", "driver_23/a.MP4/00000.lines.txt"));
  });

  it.each(["/../x.jpg", "/a//b.jpg", "/a.png", "", "/a\u001b.jpg"])("refuse %j", (path) => {
    expect(() => readCulaneList(file(`/ok.jpg\n${path}\n/ok.jpg\n`))).toThrow(/x.txt:2: .* is no path of a JPEG/);
  });
});
