import type { ReportData } from "../collect.ts";
import { ALPHA, type Contest, contestOf, LEAST_CLUSTERS } from "../comparison.ts";
import { type Html, html } from "../html.ts";
import { type Cell, cellText, type Table, tableHtml } from "../tables.ts";
import { BUDGET } from "./criteria-tables.ts";
import { count } from "./findings.ts";

/** Whether one criterion of an access is better than another; null where there is nothing to test. */
export function comparison(data: ReportData, access: string): { table: Table; body: Html } | null {
  const contest = contestOf(data, access);
  if (contest === null) return null;
  const table = pairTable(contest, data.budget, access === "clean" ? "" : `-${access}`);
  const size = `${count(contest.defects, "defect")} of ${count(contest.models, "clean model")}`;
  return {
    table,
    body: html`<p>Values are first averaged per clean model: defects of one clean model are no independent observations. So n is the number of
clean models, at least ${LEAST_CLUSTERS}. ${friedman(contest)} Below, over ${size}, Wilcoxon's signed-rank test for each pair
(two-sided, exact up to 100), p adjusted by Holm over all pairs. Effect: the matched-pairs rank-biserial correlation, from −1 (the second
is better on every clean model) to 1.</p>
${tableHtml(table, { shown: 300 })}`,
  };
}

function friedman({ test, criteria }: Contest): Html | null {
  if (test === null) return null;
  const differ = test.p < ALPHA ? "the criteria differ" : "no difference is shown";
  return html`Friedman's test over ${criteria.length} criteria: χ² = ${test.statistic.toFixed(1)}, ${pText(test.p)}: ${differ}.`;
}

function pText(p: number): string {
  const text = cellText(p, "p");
  return text.startsWith("<") ? `p ${text}` : `p = ${text}`;
}

function pairTable({ pairs, means }: Contest, budget: string, suffix: string): Table {
  return {
    name: `comparison-pairs${suffix}`,
    caption: "Pairs of criteria by the headline, first − second, tested over clean models",
    columns: [
      { key: "first", title: "first", kind: "id" },
      { key: "second", title: "second", kind: "id" },
      { key: "difference", title: "difference of the means", kind: "signed" },
      { key: "effect", title: "effect", kind: "signed" },
      { key: "p", title: "p", kind: "p" },
      { key: "p_holm", title: "p (Holm)", kind: "p" },
      { key: "models", title: "clean models (n)", kind: "count" },
      { key: "defects", title: "defects", kind: "count" },
      BUDGET,
    ],
    rows: pairs.map(({ a, b, test, adjusted, models, defects }): Record<string, Cell> => {
      const tested = { effect: test?.effect ?? null, p: test?.p ?? null, p_holm: adjusted };
      const difference = means.get(a)! - means.get(b)!;
      return { first: a, second: b, difference, ...tested, models, defects, budget };
    }),
  };
}
