import { acceptedShare } from "../acceptance.ts";
import type { ReportData } from "../collect.ts";
import { FACTORS, type Factor, valuesOf } from "../factors.ts";
import { distinct } from "../group.ts";
import { type CriterionValues, cleanModelsOf, criterionValues, estimateOf, viewed } from "../headline.ts";
import { html } from "../html.ts";
import type { Section } from "../section.ts";
import { type Cell, type Table, tableHtml } from "../tables.ts";
import { ACCESS } from "./access.ts";
import { COUNTS } from "./criteria-tables.ts";

/** The headline of every criterion by level, attack, architecture, data set and style, each kind of access apart. */
export function breakdown(data: ReportData, order: readonly string[]): Section {
  const all = criterionValues(data);
  const parts = distinct(all.map(({ access }) => access))
    .sort()
    .map((access) => {
      const criteria = all
        .filter((one) => one.access === access)
        .sort((a, b) => order.indexOf(a.criterion) - order.indexOf(b.criterion));
      const suffix = access === "clean" ? "" : `-${access}`;
      return { access, tables: FACTORS.map((factor) => factorTable(data, criteria, factor, suffix)) };
    });
  return {
    id: "breakdown",
    title: "By level, attack, architecture, data set",
    tables: parts.flatMap(({ tables }) => tables),
    body:
      parts.length === 0
        ? html`<p>No predictions yet.</p>`
        : html`<p>The headline of every criterion: WJI of its top-k set against the effective neurons (E), k = how many these are, on infected
models, on shams, and the paired difference. Defects without an effective neuron do not count. <b>accepted</b>: the share of the
candidates that passed all checks; where it is low, the mean is one over the easy ones. Rows differ in more than they are named
after where not every combination was built: the narrow defects may be of other attacks than the large ones.</p>
${parts.map(
  ({ access, tables }) => html`${parts.length > 1 && html`<h3>${ACCESS[access]}</h3>`}
${tables.map((table, i) => html`<details${i === 0 && html` open`}><summary>By ${FACTORS[i].title}</summary>${tableHtml(table)}</details>`)}`,
)}`,
  };
}

function factorTable(data: ReportData, criteria: readonly CriterionValues[], factor: Factor, suffix: string): Table {
  const { field, title } = factor;
  const { seed } = data.manifest;
  return {
    name: `by-${field}${suffix}`,
    caption: `WJI (top-k, against E) by ${title}`,
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: field, title, kind: "text" },
      { key: "difference", title: "infected − sham", kind: "estimate", group: "WJI" },
      { key: "infected", title: "infected", kind: "level", group: "WJI" },
      { key: "sham", title: "sham", kind: "level", group: "WJI" },
      ...COUNTS,
    ],
    rows: criteria.flatMap(({ criterion, access, values }) =>
      valuesOf(factor, data.accepted).flatMap((value): Record<string, Cell>[] => {
        const inside = values.filter(({ record }) => record[field] === value);
        const [infected, sham, pairs] = [
          viewed(inside, "infected"),
          viewed(inside, "sham"),
          viewed(inside, "difference"),
        ];
        if (infected.length === 0) return [];
        const label = `${criterion} ${access} ${field} ${value}`;
        return [
          {
            criterion,
            [field]: value,
            difference: estimateOf(pairs, seed, `${label} difference`),
            infected: estimateOf(infected, seed, `${label} infected`),
            sham: estimateOf(sham, seed, `${label} sham`),
            cases: infected.length,
            pairs: pairs.length,
            models: cleanModelsOf(infected),
            accepted: acceptedShare(data.candidates.filter((record) => record[field] === value)),
          },
        ];
      }),
    ),
  };
}
