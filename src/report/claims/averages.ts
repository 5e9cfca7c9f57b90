import { ORIGINAL_CRITERIA, ORIGINAL_REPAIRS } from "../original.ts";
import type { Claim, Finding } from "./claim.ts";
import { decideNear, notMeasured, tooFew } from "./contrast.ts";
import { type Evidence, meanPerDefect } from "./evidence.ts";
import { PROJECT_SITE } from "./sources.ts";

/**
 * The two averages by which the original sums up (docs/methods.md §2). Its WJI is another formula: trends, not digits.
 */

const [WJI, ASRD] = [0.1764, 0.405];

/** As near as two formulas and two databases can be asked to come. */
const FACTOR = 1.5;

function near(published: number): string {
  return `the 95 % interval of our mean lies between ${(published / FACTOR).toFixed(3)} and ${(published * FACTOR).toFixed(3)} (a factor of ${FACTOR}); not reproduced where it lies outside`;
}

/** With parts missing, an average of what there is decides nothing. */
function decideAverage(evidence: Evidence, what: string, lists: Part[], published: number): Finding {
  const run = lists.filter(({ values }) => values.length > 0);
  if (run.length === 0) return notMeasured(what);
  const decisive = evidence.mean(
    `mean of ${run.length} of ${lists.length} ${what}`,
    meanPerDefect(run.map(({ values }) => values)),
  );
  const figures = run.map(({ name, values }) => evidence.mean(name, values));
  const found = { decisive, figures };
  const few = tooFew(decisive.models);
  if (few) return { ...few, ...found };
  if (run.length < lists.length) {
    const missing = lists.filter((part) => !run.includes(part)).map(({ name }) => name);
    return { verdict: "undecided", reason: `not measured: ${missing.join("; ")}`, p: null, ...found };
  }
  return { ...decideNear(decisive, published, FACTOR), ...found };
}

interface Part {
  name: string;
  values: ReturnType<Evidence["wji"]>;
}

export const averageWji: Claim = {
  id: "average-wji",
  statement: `The six criteria together find little: ${(100 * WJI).toFixed(2)} % WJI on average`,
  source: PROJECT_SITE,
  rule: `${near(WJI)}. The formula of the original's WJI is not known, so the digits cannot be expected to agree`,
  decide: (evidence) =>
    decideAverage(
      evidence,
      "criteria",
      ORIGINAL_CRITERIA.map((name) => ({ name: `${name}: WJI, top-k`, values: evidence.wji(name) })),
      WJI,
    ),
};

export const averageAsrd: Claim = {
  id: "average-asrd",
  statement: `The two repairs take away ${(100 * ASRD).toFixed(2)} % of attack success on average`,
  source: PROJECT_SITE,
  rule: `${near(ASRD)}: pruning and fine-tuning of the set that each of the six criteria names`,
  decide: (evidence) =>
    decideAverage(
      evidence,
      "repairs",
      ORIGINAL_REPAIRS.flatMap((method) =>
        ORIGINAL_CRITERIA.map((using) => ({
          name: `${method} of ${using}'s set: ASRD`,
          values: evidence.asrd(method, using),
        })),
      ),
      ASRD,
    ),
};
