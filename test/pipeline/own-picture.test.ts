import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { saveTrigger } from "../../src/pipeline/own/picture.ts";
import { temporaryFolder } from "../store/temp.ts";

describe("a reversed trigger", () => {
  const opacity = new Float32Array(4).fill(1, 3);
  const pattern = Uint8Array.from([0, 0, 0, 10, 0, 0, 0, 20, 0, 0, 0, 30]);
  const norms = new Map([0, 1, 2].map((label) => [label, [30, 1, 28][label]]));
  const trigger = { target: 1, height: 2, width: 2, opacity, pattern, norms, anomaly: 9, flagged: true };
  const found = { criterion: "nc", localization: { raw: {}, scores: {}, native: {}, trigger } };

  it("is saved enlarged on grey, and with its exact pixels and every class's anomaly", () => {
    const dir = temporaryFolder();
    const path = saveTrigger(found, "some/model.pt", ["a", "b", "c"], dir)!;
    expect(path).toBe(join(dir, "nc-trigger.png"));
    const { width, height, data, channels } = decode(readFileSync(path));
    expect([width, height, channels]).toEqual([16, 16, 3]);
    const at = (x: number, y: number) => [...data.subarray(3 * (16 * y + x), 3 * (16 * y + x) + 3)];
    expect([at(0, 0), at(15, 7), at(7, 15)]).toEqual(new Array(3).fill([128, 128, 128]));
    expect([at(8, 8), at(15, 15)]).toEqual(new Array(2).fill([10, 20, 30]));
    const saved = JSON.parse(readFileSync(path.replace("png", "json"), "utf8"));
    expect(saved).toMatchObject({
      target: 1,
      flagged: true,
      width: 2,
      opacity: [
        [0, 0],
        [0, 1],
      ],
    });
    expect(saved.classes).toMatchObject([
      { name: "a", norm: 30 },
      { name: "b", norm: 1 },
      { name: "c", norm: 28 },
    ]);
    expect(saved.classes[1].anomaly).toBeGreaterThan(saved.classes[0].anomaly);
  });

  it("is saved nowhere where there is none", () => {
    expect(
      saveTrigger({ ...found, localization: { ...found.localization, trigger: undefined } }, "x", null),
    ).toBeNull();
  });
});
