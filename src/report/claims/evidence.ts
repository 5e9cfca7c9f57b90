import type { DefectRecord } from "../../records/defect.ts";
import type { ReportData } from "../collect.ts";
import {
  type CriterionValues,
  cleanModelsOf,
  criterionValues,
  type DefectValue,
  estimateOf,
  type Measure,
  type View,
  viewed,
} from "../headline.ts";
import type { Measured } from "./measured.ts";

/**
 * The original judged against all infected neurons, on infected models alone, injected in the style that we call plain.
 * How it chose the size of a criterion's set is not known (docs/methods.md §2): claims are decided by the top-k set.
 */
const TOPK: Measure = { truth: "full", protocol: "topk", quota: "global", metric: "wji" };
const NATIVE: Measure = { ...TOPK, protocol: "native", quota: null };

/** Our results as claims about the original's findings need them: of plain defects only. */
export class Evidence {
  readonly seed: number;
  /** Accepted plain defects. */
  readonly accepted: readonly DefectRecord[];
  private readonly repairs: ReportData["repairs"];
  private readonly topk: CriterionValues[];
  private readonly native: CriterionValues[];

  constructor(data: Pick<ReportData, "accepted" | "scores" | "repairs" | "manifest">) {
    this.seed = data.manifest.seed;
    this.accepted = data.accepted.filter(({ style }) => style === "plain");
    this.repairs = data.repairs;
    const plain = { accepted: [...this.accepted], scores: data.scores };
    this.topk = criterionValues(plain, TOPK);
    this.native = criterionValues(plain, NATIVE);
  }

  /** WJI of a criterion's set per defect, in order of the defects; none where it was not run. */
  wji(criterion: string, view: View = "infected", protocol: "topk" | "native" = "topk"): DefectValue[] {
    return this[protocol].filter((one) => one.criterion === criterion).flatMap(({ values }) => viewed(values, view));
  }

  /** Attack success that a repair of a criterion's own set took away, per defect. */
  asrd(method: string, using: string): DefectValue[] {
    const done = new Map(
      this.repairs
        .filter((repair) => repair.method === method && repair.using === using)
        .map((repair) => [repair.id, repair.asr_before - repair.asr_after]),
    );
    return this.accepted.flatMap((record) => {
      const value = done.get(record.id);
      return value === undefined ? [] : [{ record, value }];
    });
  }

  /** A mean over defects as a figure. */
  mean(what: string, values: readonly DefectValue[]): Measured {
    const estimate = estimateOf(values, this.seed, `claim ${what}`);
    return { what, estimate, defects: values.length, models: cleanModelsOf(values) };
  }

  /** A criterion's figures: the top-k set, its own set, and what the first is on shams. */
  figuresOf(criterion: string): Measured[] {
    return [
      this.mean(`${criterion}: WJI, top-k`, this.wji(criterion)),
      this.mean(`${criterion}: WJI, native set`, this.wji(criterion, "infected", "native")),
      this.mean(`${criterion}: WJI, top-k, on shams`, this.wji(criterion, "sham")),
    ].filter(({ defects }) => defects > 0);
  }
}

/** Mean of several values per defect, over the defects that have all of them. */
export function meanPerDefect(lists: readonly (readonly DefectValue[])[]): DefectValue[] {
  const maps = lists.map((list) => new Map(list.map(({ record, value }) => [record.id, value])));
  return (lists[0] ?? []).flatMap(({ record }) => {
    const values = maps.map((map) => map.get(record.id));
    if (values.some((value) => value === undefined)) return [];
    return [{ record, value: values.reduce<number>((sum, value) => sum + value!, 0) / values.length }];
  });
}

/** a − b of every defect that has both. */
export function minus(a: readonly DefectValue[], b: readonly DefectValue[]): DefectValue[] {
  const others = new Map(b.map(({ record, value }) => [record.id, value]));
  return a.flatMap(({ record, value }) => {
    const other = others.get(record.id);
    return other === undefined ? [] : [{ record, value: value - other }];
  });
}
