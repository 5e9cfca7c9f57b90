import { groupBy } from "../../core/group.ts";
import { mean } from "../../core/statistics.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { bootstrapMean } from "../../score/bootstrap.ts";
import { ALPHA, LEAST_CLUSTERS, perCleanModel } from "../comparison.ts";
import type { DefectValue } from "../headline.ts";
import { signedRank } from "../statistics/wilcoxon.ts";
import type { Finding, Verdict } from "./claim.ts";
import type { Measured } from "./measured.ts";

/** A difference smaller than this, in WJI, is none that a claim could mean. */
export const MARGIN = 0.02;

/** A change smaller than this between the smallest and the largest defects counts as stable. */
export const STABLE = 0.05;

/** One difference per clean model, and the defects behind them. */
export interface Contrast {
  perModel: number[];
  defects: number;
}

/** Of differences per defect. */
export function contrastOf(values: readonly DefectValue[]): Contrast {
  return { perModel: [...perCleanModel(values).values()], defects: values.length };
}

/**
 * Of two kinds of defects of the same clean model, such as two levels: first − second inside each stratum that holds
 * both, so that other differences between the kinds do not count, averaged over the strata of the clean model.
 *
 * @param side true: first, false: second, null: neither
 */
export function matchedContrast(
  values: readonly DefectValue[],
  side: (record: DefectRecord) => boolean | null,
  stratum: (record: DefectRecord) => string,
): Contrast {
  let defects = 0;
  const perModel = [...groupBy(values, ({ record }) => record.clean).values()].flatMap((ofModel) => {
    const differences = [...groupBy(ofModel, ({ record }) => stratum(record)).values()].flatMap((inside) => {
      const of = (wanted: boolean) => inside.filter(({ record }) => side(record) === wanted).map(({ value }) => value);
      const [first, second] = [of(true), of(false)];
      if (first.length === 0 || second.length === 0) return [];
      defects += first.length + second.length;
      return [mean(first) - mean(second)];
    });
    return differences.length === 0 ? [] : [mean(differences)];
  });
  return { perModel, defects };
}

/** The contrast as a figure: its mean over clean models with the bootstrap interval over them. */
export function measured(what: string, { perModel, defects }: Contrast, seed: number): Measured {
  const samples = perModel.map((value, i) => ({ value, cell: "all", cluster: String(i) }));
  return { what, estimate: bootstrapMean(samples, seed, `claim ${what}`), defects, models: perModel.length };
}

type Decided = Pick<Finding, "verdict" | "reason" | "p">;

/** The verdict where clean models are too few for any; null where they are enough. */
export function tooFew(models: number): Decided | null {
  if (models >= LEAST_CLUSTERS) return null;
  const count = models === 0 ? "no clean model" : `${models} clean model${models === 1 ? "" : "s"}`;
  return {
    verdict: "undecided",
    reason: `too few models: it rests on ${count}, ${LEAST_CLUSTERS} are needed`,
    p: null,
  };
}

/**
 * Whether a contrast is positive: reproduced where the signed-rank test over clean models says so (two-sided, α = 0.05); not
 * reproduced where the interval leaves no room for as much as `MARGIN`; else undecided.
 */
export function decidePositive(contrast: Contrast, { estimate, models }: Measured): Decided {
  const few = tooFew(models);
  if (few) return few;
  const { value, high } = estimate!;
  const { p } = signedRank(contrast.perModel);
  const say = (verdict: Verdict, reason: string): Decided => ({ verdict, reason, p });
  if (p < ALPHA && value > 0)
    return say("reproduced", "the difference has the claimed sign on nearly every clean model");
  if (high! < MARGIN)
    return say("not reproduced", `the interval leaves no room for a difference of ${MARGIN} as claimed`);
  return say("undecided", "neither the claimed difference nor its absence is clear");
}

/** Whether a contrast is near 0: the whole interval within ± `STABLE`, or all of it outside. */
export function decideStable({ estimate, models }: Measured): Decided {
  const few = tooFew(models);
  if (few) return few;
  const { low, high } = estimate!;
  const say = (verdict: Verdict, reason: string): Decided => ({ verdict, reason, p: null });
  if (low! > -STABLE && high! < STABLE) return say("reproduced", `the whole interval lies within ±${STABLE}`);
  if (low! > STABLE || high! < -STABLE) return say("not reproduced", `the whole interval lies outside ±${STABLE}`);
  return say("undecided", `the interval crosses ±${STABLE}`);
}

/** Whether a mean is about as large as a published one: the whole interval within a factor of it, or all of it outside. */
export function decideNear({ estimate, models }: Measured, published: number, factor: number): Decided {
  const few = tooFew(models);
  if (few) return few;
  const [least, most] = [published / factor, published * factor];
  const { low, high } = estimate!;
  const band = `${least.toFixed(3)} to ${most.toFixed(3)}`;
  const say = (verdict: Verdict, reason: string): Decided => ({ verdict, reason, p: null });
  if (low! >= least && high! <= most) return say("reproduced", `the whole interval lies within ${band}`);
  if (high! < least || low! > most) return say("not reproduced", `the whole interval lies outside ${band}`);
  return say("undecided", `the interval crosses a bound of ${band}`);
}

/** Where no result bears on a claim. */
export function notMeasured(what: string): Finding {
  return {
    verdict: "not measured",
    reason: `no results of ${what} on plain defects`,
    decisive: null,
    p: null,
    figures: [],
  };
}
