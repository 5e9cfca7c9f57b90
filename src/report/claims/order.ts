import { mean } from "../../core/statistics.ts";
import { ALPHA } from "../comparison.ts";
import type { DefectValue } from "../headline.ts";
import { ORIGINAL_CRITERIA } from "../original.ts";
import { holm } from "../statistics/holm.ts";
import { signedRank } from "../statistics/wilcoxon.ts";
import type { Claim, Finding } from "./claim.ts";
import { contrastOf, decidePositive, MARGIN, measured, notMeasured, tooFew } from "./contrast.ts";
import { type Evidence, meanPerDefect, minus } from "./evidence.ts";
import { PAPER } from "./sources.ts";

/** Which of the six criteria are best and worst: claims about their order (docs/methods.md §2). */

/** The criteria of the six that were run, each on the defects that all of them judged. */
function common(evidence: Evidence): Map<string, DefectValue[]> {
  const run = ORIGINAL_CRITERIA.map((name) => [name, evidence.wji(name)] as const).filter(([, v]) => v.length > 0);
  const shared = new Set(meanPerDefect(run.map(([, values]) => values)).map(({ record }) => record.id));
  return new Map(run.map(([name, values]) => [name, values.filter(({ record }) => shared.has(record.id))]));
}

/**
 * Whether some of the six stand above the others: their mean over that of the rest, on the same defects. A criterion of
 * the rest that is clearly above one of them refutes it; only all six together can confirm it.
 *
 * @param top who is claimed to be above; `reverse`: below
 */
function decideOrder(evidence: Evidence, top: readonly string[], reverse: boolean): Finding {
  const values = common(evidence);
  const [chosen, rest] = [top, [...values.keys()].filter((name) => !top.includes(name))];
  const absent = chosen.filter((name) => !values.has(name));
  if (absent.length > 0) return notMeasured(absent.join(", "));
  if (rest.length === 0) return notMeasured("the criteria to compare with");
  const figures = [...values].map(([name, list]) => evidence.mean(`${name}: WJI, top-k`, list));
  const meanOf = (names: readonly string[]) => meanPerDefect(names.map((name) => values.get(name)!));
  const [above, below] = reverse ? [meanOf(rest), meanOf(chosen)] : [meanOf(chosen), meanOf(rest)];
  const contrast = contrastOf(minus(above, below));
  const names = (list: readonly string[]) => (list.length > 1 ? `mean of ${list.join(", ")}` : list.join());
  const what = reverse ? `WJI, ${names(rest)} − ${names(chosen)}` : `WJI, ${names(chosen)} − ${names(rest)}`;
  const decisive = measured(what, contrast, evidence.seed);
  const found = { decisive, figures };
  const few = tooFew(decisive.models);
  if (few) return { ...few, ...found };
  const rival = refuting(values, chosen, rest, reverse);
  const { p } = signedRank(contrast.perModel);
  const side = reverse ? "below" : "above";
  if (rival) return { verdict: "not reproduced", reason: `${rival[0]} is clearly ${side} ${rival[1]}`, p, ...found };
  const decided = decidePositive(contrast, decisive);
  if (decided.verdict !== "reproduced") return { ...decided, ...found };
  const missing = ORIGINAL_CRITERIA.filter((name) => !values.has(name));
  if (missing.length > 0) {
    return {
      verdict: "undecided",
      reason: `so far it holds, but ${missing.join(", ")} were not measured`,
      p,
      ...found,
    };
  }
  const level = (name: string) => mean([...contrastOf(values.get(name)!).perModel]) * (reverse ? -1 : 1);
  const highest = Math.max(...rest.map(level));
  if (chosen.some((name) => level(name) <= highest)) {
    return { verdict: "undecided", reason: "on average it holds, but not of each of them", p, ...found };
  }
  return { ...decided, ...found };
}

/** A criterion of the rest that is clearly better (or worse) than a chosen one: p adjusted over all such pairs. */
function refuting(
  values: ReadonlyMap<string, DefectValue[]>,
  chosen: readonly string[],
  rest: readonly string[],
  reverse: boolean,
): [rival: string, beaten: string] | null {
  const pairs = rest.flatMap((rival) => chosen.map((name) => [rival, name] as [string, string]));
  const contrasts = pairs.map(([a, b]) => contrastOf(minus(values.get(a)!, values.get(b)!)).perModel);
  const adjusted = holm(contrasts.map((differences) => signedRank(differences).p));
  const sign = reverse ? -1 : 1;
  const at = pairs.findIndex((_, i) => adjusted[i] < ALPHA && sign * mean(contrasts[i]) > 0);
  return at < 0 ? null : pairs[at];
}

const TESTED = `signed-rank test over clean models, p < 0.05; not reproduced where the interval ends below ${MARGIN}`;

export const weightBasedBest: Claim = {
  id: "weight-based-best",
  statement: "The criteria that work on weights, CLP and ANP, find most",
  source: PAPER,
  rule: `the mean WJI of CLP and ANP is above that of the other four (${TESTED}, or where one of the four is clearly above CLP or ANP), and each of the two is above each of the four`,
  decide: (evidence) => decideOrder(evidence, ["clp", "anp"], false),
};

export const fpWeakest: Claim = {
  id: "fp-weakest",
  statement: "FP finds least",
  source: PAPER,
  rule: `the mean WJI of the other five is above FP's (${TESTED}, or where one of the five is clearly below FP), and so is each of them`,
  decide: (evidence) => decideOrder(evidence, ["fp"], true),
};
