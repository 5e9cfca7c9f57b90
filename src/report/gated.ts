import { gatedWji } from "../score/board.ts";
import { cellMean, cellOf } from "../score/cells.ts";
import type { ScoreRow } from "../score/score.ts";
import type { ReportData } from "./collect.ts";
import { cleanModelsOf, criterionValues, estimateOf, HEADLINE, keyOf, type Measure, viewed } from "./headline.ts";
import type { Estimate } from "./tables.ts";

/** What a criterion finds when its own verdict on the whole model counts, beside what its ranking finds. */
export interface GatedCriterion {
  criterion: string;
  truth: ScoreRow["truth"];
  /** Means of infected − sham of the top-k set's WJI, with 95 % intervals over clean models. */
  ungated: Estimate | null;
  gated: Estimate | null;
  /** Means of the gated WJI, in [0, 1]. */
  infected: number;
  sham: number;
  defects: number;
  models: number;
}

/**
 * Scores of the top-k set where a model of which a criterion names no neuron counts as one in which nothing was found:
 * its WJI is 0. A gated sham is quiet because the model as a whole is judged clean.
 */
export function gatedScores(scores: readonly ScoreRow[]): ScoreRow[] {
  const key = ({ criterion, access, budget, id, version }: ScoreRow) => [criterion, access, budget, id, version].join();
  const named = new Map(
    scores.filter(({ truth, protocol }) => truth === "full" && protocol === "native").map((row) => [key(row), row.k]),
  );
  return scores
    .filter(({ protocol }) => protocol === "topk")
    .map((row) => ({ ...row, wji: gatedWji({ wji: row.wji, named: named.get(key(row)) ?? null }) }));
}

/** Gated beside ungated, against the effective neurons and against all infected ones; best first. */
export function gatedCriteria(
  { scores, accepted, manifest: { seed } }: Pick<ReportData, "scores" | "accepted" | "manifest">,
  criteria: ReadonlySet<string>,
): GatedCriterion[] {
  const own = scores.filter(({ criterion }) => criteria.has(criterion));
  const gated = gatedScores(own);
  return (["effective", "full"] as const).flatMap((truth) => {
    const measure: Measure = { ...HEADLINE, truth };
    const open = criterionValues({ scores: own, accepted }, measure);
    return criterionValues({ scores: gated, accepted }, measure)
      .flatMap(({ values, ...way }): GatedCriterion[] => {
        const differences = viewed(values, "difference");
        if (differences.length === 0) return [];
        const paired = new Set(differences.map(({ record }) => record.id));
        const both = values.filter(({ record }) => paired.has(record.id));
        const same = open.find((one) => keyOf({ ...one, ...measure }) === keyOf({ ...way, ...measure }))!;
        const label = `${keyOf({ ...way, ...measure })} ${measure.metric}`;
        const mean = (view: "infected" | "sham") =>
          cellMean(viewed(both, view).map(({ record, value }) => ({ value, cell: cellOf(record.id) })));
        return [
          {
            criterion: way.criterion,
            truth,
            ungated: estimateOf(byId(viewed(same.values, "difference")), seed, label),
            gated: estimateOf(byId(differences), seed, `${label} gated`),
            infected: mean("infected"),
            sham: mean("sham"),
            defects: differences.length,
            models: cleanModelsOf(differences),
          },
        ];
      })
      .sort((a, b) => (b.gated?.value ?? 0) - (a.gated?.value ?? 0));
  });
}

/** As in the tables of every measure: a number has one interval in all places. */
function byId<T extends { record: { id: string } }>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
}
