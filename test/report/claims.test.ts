import { describe, expect, it } from "vitest";
import type { Verdict } from "../../src/report/claims/claim.ts";
import { reproductionPage } from "../../src/report/claims/page.ts";
import { CLAIMS } from "../../src/report/claims/registry.ts";
import { claimTable, reproduce } from "../../src/report/claims/reproduction.ts";
import { type Plan, synthetic } from "./synthetic.ts";

type Criteria = NonNullable<Plan["criteria"]>;
type Value = Criteria[string];

function decide(id: string, plan: Omit<Plan, "models">, models = 9) {
  const { decided } = reproduce(synthetic({ models, ...plan }));
  return decided.find(({ claim }) => claim.id === id)!.finding;
}

/** A little noise that differs between clean models and never changes a sign. */
const noisy = (value: (level: string, attack: string) => number): Value => {
  return ({ level, attack }, model) => value(level, attack) + 0.001 * (model % 5);
};
const flat = (value: number) => noisy(() => value);
const falling = noisy((level) => ({ narrow: 0.6, small: 0.4, large: 0.2 })[level]!);
const rising = noisy((level) => ({ narrow: 0.1, small: 0.2, large: 0.5 })[level]!);
/** As often up as down: neither a difference nor its absence is clear. */
const wavering: Value = ({ level }, model) => 0.4 + (level === "large" ? 0.3 : 0) * (model % 2 === 0 ? 1 : -1);

const six = (over: Partial<Criteria>): Criteria => ({
  fp: flat(0.05),
  nc: flat(0.15),
  anp: flat(0.3),
  clp: flat(0.32),
  slicer: flat(0.1),
  deepmufl: flat(0.12),
  ...(over as Criteria),
});

const ways = ["prune", "finetune"].flatMap((method) => Object.keys(six({})).map((name) => `${method} ${name}`));
const repaired = (value: number) => Object.fromEntries(ways.map((way) => [way, flat(value)])) as Plan["repairs"];

const CASES: [claim: string, verdict: Verdict, plan: Omit<Plan, "models">][] = [
  ["average-wji", "reproduced", { criteria: six({}) }],
  ["average-wji", "not reproduced", { criteria: six({ clp: flat(0.9), anp: flat(0.9) }) }],
  ["average-wji", "undecided", { criteria: { fp: flat(0.17) } }],
  ["average-asrd", "reproduced", { repairs: repaired(0.4) }],
  ["average-asrd", "not reproduced", { repairs: repaired(0.9) }],
  ["average-asrd", "undecided", { repairs: { "prune clp": flat(0.4) as (r: unknown, m: number) => number } }],
  ["weight-based-best", "reproduced", { criteria: six({}) }],
  ["weight-based-best", "not reproduced", { criteria: six({ fp: flat(0.7) }) }],
  ["weight-based-best", "undecided", { criteria: { clp: flat(0.3), anp: flat(0.3), fp: flat(0.1) } }],
  ["fp-weakest", "reproduced", { criteria: six({}) }],
  ["fp-weakest", "not reproduced", { criteria: six({ slicer: flat(0.01) }) }],
  ["fp-weakest", "undecided", { criteria: { fp: flat(0.05), clp: flat(0.3) } }],
  ["clp-decays", "reproduced", { criteria: { clp: falling } }],
  ["clp-decays", "not reproduced", { criteria: { clp: rising } }],
  ["clp-decays", "undecided", { criteria: { clp: wavering } }],
  ["anp-stable", "reproduced", { criteria: { anp: flat(0.3) } }],
  ["anp-stable", "not reproduced", { criteria: { anp: falling } }],
  ["anp-stable", "undecided", { criteria: { anp: wavering } }],
  ["slicer-improves", "reproduced", { criteria: { slicer: rising } }],
  ["slicer-improves", "not reproduced", { criteria: { slicer: flat(0.2) } }],
  ["deepmufl-improves", "reproduced", { criteria: { deepmufl: rising }, access: { deepmufl: "failing" } }],
  ["deepmufl-improves", "undecided", { criteria: { deepmufl: wavering } }],
  ["nc-narrow", "reproduced", { criteria: { nc: falling } }],
  ["nc-narrow", "not reproduced", { criteria: { nc: rising } }],
  [
    "slicer-strong-on-sra",
    "reproduced",
    { criteria: { slicer: noisy((_, attack) => (attack === "sra" ? 0.6 : 0.1)) } },
  ],
  ["slicer-strong-on-sra", "not reproduced", { criteria: { slicer: flat(0.1) } }],
];

describe("claims", () => {
  it.each(CASES)("%s: %s", (id, verdict, plan) => {
    const found = decide(id, plan);
    expect(found, found.reason).toMatchObject({ verdict });
    expect(found.decisive!.models).toBe(9);
    expect(found.decisive!.defects).toBeGreaterThan(9);
  });

  it.each([...new Set(CASES.map(([id]) => id))])("%s is undecided on five clean models, whatever they say", (id) => {
    const [, , plan] = CASES.find(([name]) => name === id)!;
    const found = decide(id, plan, 5);
    expect(found).toMatchObject({ verdict: "undecided", decisive: { models: 5 } });
    expect(found.reason).toContain("too few models");
  });

  it("are not measured without results, and none is left out of the tests", () => {
    const { decided } = reproduce(synthetic({ models: 9 }));
    expect(decided.map(({ finding }) => finding.verdict)).toEqual(CLAIMS.map(() => "not measured"));
    expect(new Set(CASES.map(([id]) => id))).toEqual(new Set(CLAIMS.map(({ id }) => id)));
  });

  it("rest on plain defects alone", () => {
    const criteria = {
      clp: ((record, model) => (record.style === "plain" ? falling : rising)(record, model)) as Value,
    };
    const found = decide("clp-decays", { criteria, styles: ["plain", "discreet"] });
    expect(found).toMatchObject({ verdict: "reproduced", decisive: { models: 9, defects: 36 } });
  });

  it("compare a level with another inside the same attack", () => {
    // Narrow defects are all SRA, where CLP is strong; within no attack are there both levels.
    const plan: Omit<Plan, "models"> = {
      criteria: {
        clp: ({ level, attack }) => {
          if ((level === "narrow") !== (attack === "sra")) return null;
          return attack === "sra" ? 0.9 : 0.2;
        },
      },
    };
    expect(decide("clp-decays", plan)).toMatchObject({ verdict: "undecided", decisive: { models: 0, estimate: null } });
  });

  it("set what chance finds at each level beside a trend, where it was judged", () => {
    const rowsOf = (criteria: Plan["criteria"]) =>
      decide("anp-stable", { criteria }).figures.filter(({ what }) => what.startsWith("random"));
    expect(rowsOf({ anp: flat(0.3) })).toEqual([]);
    const rows = rowsOf({ anp: flat(0.3), random: rising });
    expect(rows.map(({ what }) => what)).toContain("random: WJI, top-k, narrow");
    expect(rows.at(-1)!.estimate!.value).toBeGreaterThan(rows[0].estimate!.value);
  });

  it("say what is missing of the six where the rest would agree", () => {
    const found = decide("weight-based-best", { criteria: { clp: flat(0.3), anp: flat(0.3), fp: flat(0.1) } });
    expect(found.reason).toContain("nc, slicer, deepmufl were not measured");
  });
});

describe("reproduction.md", () => {
  const found = reproduce(synthetic({ models: 9, criteria: six({ clp: falling }), repairs: repaired(0.4) }));
  const page = reproductionPage(found, "test");

  it("sets every claim beside what was measured, with its defects and clean models", () => {
    for (const { claim, finding } of found.decided) {
      expect(page).toContain(`## ${claim.id}: ${finding.verdict}`);
      expect(page).toContain(claim.source);
      expect(page).toContain(finding.reason);
    }
    expect(page).toContain("54 accepted defects in 18 groups, made from 9 clean models");
    expect(page).toMatch(/\| clp-decays \| reproduced \| 0\.40\d \\\[0\.\d+, 0\.\d+\\\] \| 0\.004 \| 9 \| 36 \|/);
    expect(page).not.toMatch(/undefined|NaN|\[object/);
  });

  it("is a table of the report as well", () => {
    expect(claimTable(found).rows.map(({ id }) => id)).toEqual(CLAIMS.map(({ id }) => id));
  });
});
