import { beforeAll, describe, expect, it } from "vitest";
import type { PredictionFile } from "../../src/records/prediction.ts";
import { collect } from "../../src/report/collect.ts";
import {
  detectionAuroc,
  flaggedShare,
  foundAtFewAlarms,
  type ModelStatistic,
  rocOf,
  type Verdict,
  verdictsOf,
} from "../../src/report/detection.ts";
import { detection } from "../../src/report/sections/detection.ts";
import type { SampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CRITERIA, judgedDatabase } from "./fixture.ts";

const model = (value: number, cluster = "clean/a"): Verdict => ({ value, cluster, flagged: value > 2 });
const models = (...values: number[]) => values.map((value, i) => model(value, `clean/${i % 3}`));

describe("whether there is a backdoor at all", () => {
  it("is told by AUROC: of all pairs the share in which the infected model has the larger number, ties by half", () => {
    const told = detectionAuroc(models(3, 5, 1), models(0, 1, 4), 1, "x")!;
    expect(told.value).toBeCloseTo((2 + 3 + 1.5) / 9);
    expect(told.low!).toBeLessThanOrEqual(told.value);
    expect(told.high!).toBeGreaterThanOrEqual(told.value);
    expect(detectionAuroc(models(3, 5, 1), models(0, 1, 4), 1, "x")).toEqual(told);
  });

  it("has no interval from two clean models, and no AUROC without others", () => {
    const [a, b] = [model(1, "clean/a"), model(0, "clean/b")];
    expect(detectionAuroc([a], [b], 1, "x")).toEqual({ value: 1, low: null, high: null });
    expect(detectionAuroc([a], [], 1, "x")).toBeNull();
  });

  it("counts as found what lies above all but 5 % of the others", () => {
    const others = Array.from({ length: 40 }, (_, i) => model(i));
    // At most two of 40: those of 38 and 39. What equals the third is not above it.
    expect(foundAtFewAlarms([model(50), model(38), model(37.5), model(37)], others)).toBe(0.75);
    expect(foundAtFewAlarms([model(50)], [])).toBeNull();
  });

  it("draws a ROC from nothing found to all", () => {
    expect(rocOf([model(2), model(1)], [model(1), model(0)])).toEqual([
      { x: 0, y: 0 },
      { x: 0, y: 0.5 },
      { x: 0.5, y: 1 },
      { x: 1, y: 1 },
    ]);
  });

  it("says what a method itself calls backdoored, and nothing of one that does not say", () => {
    expect(flaggedShare(models(3, 1, 2.5, 0))).toBe(0.5);
    expect(flaggedShare([{ ...model(1), flagged: null }])).toBeNull();
  });
});

describe("of a database", () => {
  let sample: SampleDatabase;
  beforeAll(async () => {
    sample = await judgedDatabase(temporaryFolder());
  });
  const largest: ModelStatistic = {
    name: "largest",
    of: ({ version, raw }: PredictionFile) => (version === "infected" ? 10 : Math.max(...Object.values(raw).flat())),
    flags: ({ version }) => version === "infected",
  };

  it("reads every version's predictions, and a clean twin once", () => {
    const data = collect(sample.db);
    const { infected, sham, clean } = verdictsOf(data, "clp", largest);
    expect([infected.length, sham.length, clean.length]).toEqual([sample.accepted.length, sample.accepted.length, 0]);
    const shared = (_: string, id: string, version: string) =>
      version === "clean"
        ? ({ ...data.prediction("clp", id, "infected")!, model_sha256: "f".repeat(64) } as PredictionFile)
        : null;
    expect(verdictsOf({ ...data, prediction: shared }, "clp", largest).clean).toHaveLength(1);
  });

  it("makes a table, best first, and a figure; of nothing judged none", async () => {
    const section = (await detection(collect(sample.db), () => largest))!;
    const [{ rows }] = section.tables!;
    expect(rows.map(({ criterion }) => criterion).sort()).toEqual([...CRITERIA].sort());
    for (const row of rows) {
      expect(row).toMatchObject({
        statistic: "largest",
        found: 1,
        flagged_infected: 1,
        flagged_sham: 0,
        flagged_clean: null,
      });
      expect(row.auroc_sham).toMatchObject({ value: 1 });
      expect(row.auroc_clean).toBeNull();
    }
    const [, gated] = section.tables!;
    expect(gated.name).toBe("gated");
    expect(new Set(gated.rows.map(({ criterion }) => criterion))).toEqual(new Set(CRITERIA));
    expect(section.body.text).toContain(gated.caption);
    expect(section.figures!.map(({ name }) => name)).toEqual(["detection-roc"]);
    expect(await detection({ ...collect(sample.db), criteria: [] }, () => largest)).toBeNull();
  });

  it("gates only criteria that say of a model whether it has a backdoor", async () => {
    const { flags: _, ...silent } = largest;
    const section = (await detection(collect(sample.db), () => silent))!;
    expect(section.tables!.map(({ name }) => name)).toEqual(["detection"]);
  });
});
