import { describe, expect, it } from "vitest";
import type { DefectRecord } from "../../src/records/defect.ts";
import { gatedCriteria, gatedScores } from "../../src/report/gated.ts";
import type { ScoreRow } from "../../src/score/score.ts";

const ids = ["cifar10-vgg13w8-badnets-small-top040", "cifar10-vgg16w8-badnets-small-top040"];
const accepted = ids.map((id, i) => ({ id, clean: `clean/${i}` })) as DefectRecord[];

/** What one criterion found on one model: `wji` of its top-k set against either truth, and how many neurons it names. */
function found(criterion: string, id: string, version: string, wji: number | null, named: number): ScoreRow[] {
  const head = { id, version, criterion, access: "clean", budget: "short" } as unknown as ScoreRow;
  const ways = [
    { protocol: "native", quota: null, k: named, wji: named === 0 ? 0 : 0.9 },
    { protocol: "topk", quota: "global", k: 5, wji },
  ] as const;
  const of = (truth: ScoreRow["truth"], nothing: boolean) =>
    ways.map((way) => ({ ...head, ...way, truth, ...(nothing ? { k: null, wji: null } : {}) }));
  return [...of("full", false), ...of("effective", wji === null)];
}

describe("what a criterion finds when its verdict on the whole model counts", () => {
  it("is nothing where it names no neuron, and the ranking's figure elsewhere", () => {
    const wji = (rows: ScoreRow[]) => gatedScores(rows).map((row) => [row.truth, row.wji]);
    expect(wji(found("nc", ids[0], "infected", 0.6, 0))).toEqual([
      ["full", 0],
      ["effective", 0],
    ]);
    expect(wji(found("nc", ids[0], "infected", 0.6, 3))).toEqual([
      ["full", 0.6],
      ["effective", 0.6],
    ]);
  });

  it("stays unknown where the truth has no neurons", () => {
    const [, effective] = gatedScores(found("nc", ids[0], "infected", null, 0));
    expect(effective).toMatchObject({ truth: "effective", wji: null });
  });

  it("stands beside the ungated difference, over the defects of which both versions were judged, best first", () => {
    const scores = [
      ...found("nc", ids[0], "infected", 0.6, 4),
      ...found("nc", ids[0], "sham", 0.2, 0),
      ...found("nc", ids[1], "infected", 0.5, 0),
      ...found("nc", ids[1], "sham", 0.1, 2),
      ...found("learned", ids[0], "infected", 0.8, 9),
      ...found("learned", ids[0], "sham", 0.3, 0),
      ...found("learned", ids[1], "infected", 0.9, 9),
      ...found("clp", ids[0], "infected", 0.9, 9),
      ...found("clp", ids[0], "sham", 0.1, 9),
    ];
    const rows = gatedCriteria({ scores, accepted, manifest: { seed: 1 } as never }, new Set(["nc", "learned"]));
    const effective = rows.filter(({ truth }) => truth === "effective");
    expect(effective.map(({ criterion }) => criterion)).toEqual(["learned", "nc"]);
    const [learned, nc] = effective;
    expect(learned).toMatchObject({ infected: 0.8, sham: 0, defects: 1, models: 1 });
    expect(learned.ungated!.value).toBeCloseTo(0.5);
    expect(learned.gated!.value).toBeCloseTo(0.8);
    expect(nc).toMatchObject({ infected: 0.3, sham: 0.05, defects: 2, models: 2 });
    expect(nc.ungated!.value).toBeCloseTo(0.4);
    expect(nc.gated!.value).toBeCloseTo((0.6 - 0.1) / 2);
    expect(rows.filter(({ truth }) => truth === "full")).toHaveLength(2);
  });
});
