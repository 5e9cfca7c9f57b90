import type { ReportData } from "../collect.ts";
import {
  ALPHA,
  type CriteriaRanking,
  comparePairs,
  LEAST_CLUSTERS,
  type PairComparison,
  rankCriteria,
} from "../comparison.ts";
import { criticalDifferenceSvg } from "../figures/critical-difference.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { distinct } from "../group.ts";
import { type CriterionValues, criterionValues, VIEWS } from "../headline.ts";
import { type Html, html } from "../html.ts";
import { ORIGINAL_CRITERIA } from "../original.ts";
import type { Section } from "../section.ts";
import { type Cell, cellText, type Table, tableHtml } from "../tables.ts";
import { ACCESS } from "./access.ts";

/** Who competes: the more there are, the more a test asks of each pair, so the original's six also stand alone. */
interface Family {
  name: "original" | "all";
  title: string;
  criteria: CriterionValues[];
}

/** One family by one view. */
interface Contest {
  family: Family;
  view: "infected" | "difference";
  pairs: PairComparison[];
  ranking: CriteriaRanking;
}

/** Whether one criterion is better than another, each kind of access apart. */
export function comparison(data: ReportData): Section {
  const all = criterionValues(data);
  const accesses = distinct(all.map(({ access }) => access)).sort();
  const parts = accesses.map((access) =>
    accessPart(
      data,
      all.filter((one) => one.access === access),
      access,
    ),
  );
  return {
    id: "comparison",
    title: "Comparison: is one criterion better?",
    tables: parts.flatMap(({ tables }) => tables),
    figures: parts.flatMap(({ figures }) => figures),
    body: html`<p>By the headline, WJI of the top-k set against the effective neurons, and by its difference infected − sham. Defects of one
clean model are no independent observations, so values are <b>first averaged per clean model</b>, and a test's n is the number of
clean models. Below ${LEAST_CLUSTERS} of them <b>no test is made</b>: even if all agreed, p could not fall below ${ALPHA}. Criteria that see
more than clean samples are compared among themselves.</p>
${parts.map(({ access, body }) => html`${parts.length > 1 && html`<h3>${ACCESS[access]}</h3>`}${body}`)}
${parts.length === 0 && html`<p>No predictions yet.</p>`}`,
  };
}

function accessPart({ manifest }: ReportData, criteria: CriterionValues[], access: string) {
  const suffix = access === "clean" ? "" : `-${access}`;
  const contests = familiesOf(criteria).flatMap((family) =>
    (["infected", "difference"] as const).map((view): Contest => {
      const label = `${family.name} ${access} ${view}`;
      const ranking = rankCriteria(family.criteria, view, manifest.seed, label);
      return { family, view, pairs: comparePairs(family.criteria, view), ranking };
    }),
  );
  const [pairs, ranks] = [pairTable(contests, suffix), rankTable(contests, suffix)];
  const figures = contests.flatMap((contest) => figureOf(contest, suffix) ?? []);
  const body =
    contests.length === 0
      ? html`<p>Fewer than two criteria: nothing to compare.</p>`
      : html`<h4>Mean ranks</h4>
<ul>${contests.map(verdict)}</ul>
${figures.map(figureHtml)}
${tableHtml(ranks)}
<h4>Pairs</h4>
<p>Wilcoxon's signed-rank test over clean models (two-sided, exact up to 100), p adjusted by Holm over all pairs of the same family and
view. Effect: matched-pairs rank-biserial correlation, from −1 (the second is better on every clean model) to 1.</p>
<details${pairs.rows.length <= 40 && html` open`}><summary>${pairs.rows.length} comparisons</summary>${tableHtml(pairs, { shown: 300 })}</details>`;
  return { access, tables: contests.length === 0 ? [] : [ranks, pairs], figures, body };
}

function familiesOf(criteria: CriterionValues[]): Family[] {
  const original = criteria.filter(({ criterion }) => (ORIGINAL_CRITERIA as readonly string[]).includes(criterion));
  const families: Family[] = [
    { name: "original", title: "the original's criteria", criteria: original },
    { name: "all", title: "all criteria", criteria },
  ];
  return families.filter(
    (family) => family.criteria.length >= 2 && (family.name === "original" || original.length < criteria.length),
  );
}

function pairTable(contests: readonly Contest[], suffix: string): Table {
  return {
    name: `comparison-pairs${suffix}`,
    caption: "Pairs of criteria: WJI (top-k, against E), first − second, over clean models",
    columns: [
      { key: "first", title: "first", kind: "id" },
      { key: "second", title: "second", kind: "id" },
      { key: "family", title: "family", kind: "text" },
      { key: "view", title: "view", kind: "text" },
      { key: "difference", title: "mean difference", kind: "signed" },
      { key: "effect", title: "effect", kind: "signed" },
      { key: "p", title: "p", kind: "p" },
      { key: "p_holm", title: "p (Holm)", kind: "p" },
      { key: "models", title: "clean models (n)", kind: "count" },
      { key: "defects", title: "defects", kind: "count" },
    ],
    rows: contests.flatMap(({ family, view, pairs }) =>
      pairs.map(({ a, b, difference, test, adjusted, models, defects }): Record<string, Cell> => {
        const tested = { effect: test?.effect ?? null, p: test?.p ?? null, p_holm: adjusted };
        const names = { first: a, second: b, family: family.name, view: VIEWS[view].title };
        return { ...names, difference, ...tested, models, defects };
      }),
    ),
  };
}

function rankTable(contests: readonly Contest[], suffix: string): Table {
  return {
    name: `comparison-ranks${suffix}`,
    caption: "Mean ranks over clean models, 1 = best",
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "family", title: "family", kind: "text" },
      { key: "view", title: "view", kind: "text" },
      { key: "rank", title: "mean rank", kind: "rate" },
      { key: "critical", title: "critical difference", kind: "rate" },
      { key: "p", title: "p (Friedman)", kind: "p" },
      { key: "models", title: "clean models (n)", kind: "count" },
      { key: "defects", title: "defects", kind: "count" },
    ],
    rows: contests.flatMap(({ family, view, ranking }) =>
      ranking.ranks.map(({ criterion, rank }): Record<string, Cell> => {
        const { criticalDifference: critical, test, models, defects } = ranking;
        const of = { family: family.name, view: VIEWS[view].title };
        return { criterion, ...of, rank, critical, p: test?.p ?? null, models, defects };
      }),
    ),
  };
}

/** What the ranking of one contest says, in a sentence. */
function verdict({ family, view, ranking }: Contest): Html {
  const { models, defects, test, leftOut, ranks } = ranking;
  const size = `${defects} defects of ${models} clean model${models === 1 ? "" : "s"}`;
  const missing =
    leftOut.length > 0 &&
    html` Left out, being judged on too few: ${leftOut.map((name, i) => html`${i > 0 && ", "}<code>${name}</code>`)}.`;
  const head = html`<b>${family.title}, ${VIEWS[view].title}</b> (${size}): `;
  if (models < LEAST_CLUSTERS) {
    return html`<li>${head}no test; the effective n is ${models}, and ${LEAST_CLUSTERS} are needed.${missing}</li>`;
  }
  if (test === null) return html`<li>${head}no test of fewer than three criteria; see the pairs.${missing}</li>`;
  const p = html`Friedman χ² = ${test.statistic.toFixed(1)}, ${pText(test.p)}`;
  return test.p < ALPHA
    ? html`<li>${head}${p}: the criteria differ; first <code>${ranks[0].criterion}</code> (mean rank ${ranks[0].rank.toFixed(2)}), last
<code>${ranks.at(-1)!.criterion}</code> (${ranks.at(-1)!.rank.toFixed(2)}).${missing}</li>`
    : html`<li>${head}${p}: no difference shown, whatever the ranks.${missing}</li>`;
}

function pText(p: number): string {
  const text = cellText(p, "p");
  return text.startsWith("<") ? `p ${text}` : `p = ${text}`;
}

function figureOf({ family, view, ranking }: Contest, suffix: string): Figure | null {
  const { ranks, criticalDifference, cliques, models, test } = ranking;
  if (criticalDifference === null || test === null) return null;
  const told = ranks.map(({ criterion, rank }) => `${criterion} ${rank.toFixed(2)}`).join(", ");
  return {
    name: `critical-difference-${family.name}-${view}${suffix}`,
    caption: `Mean ranks of ${family.title} by WJI (top-k, against E), ${VIEWS[view].title}, over ${models} clean models; Friedman ${pText(test.p)}. Bars join criteria that are less than the critical difference apart (Nemenyi, α = ${ALPHA}).`,
    alt: `Mean ranks, 1 = best: ${told}; critical difference ${criticalDifference.toFixed(2)}.`,
    svg: criticalDifferenceSvg({ ranks, criticalDifference, cliques }),
  };
}
