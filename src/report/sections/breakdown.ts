import { distinct } from "../../core/group.ts";
import { acceptedShare } from "../acceptance.ts";
import type { ReportData } from "../collect.ts";
import { FACTORS, type Factor, valuesOf } from "../factors.ts";
import { type CriterionValues, cleanModelsOf, criterionValues, estimateOf, viewed } from "../headline.ts";
import type { Cell, Table } from "../tables.ts";
import { COUNTS } from "./criteria-tables.ts";

/**
 * The headline of the criteria of one access by level, attack, architecture, data set and style: those by which the judged
 * defects differ.
 */
export function breakdown(data: ReportData, access: string, order: readonly string[]): Table[] {
  const criteria = criterionValues(data)
    .filter((one) => one.access === access)
    .sort((a, b) => order.indexOf(a.criterion) - order.indexOf(b.criterion));
  const judged = distinct(criteria.flatMap(({ values }) => values.map(({ record }) => record.id)));
  const records = data.accepted.filter(({ id }) => judged.includes(id));
  const suffix = access === "clean" ? "" : `-${access}`;
  return FACTORS.filter((factor) => valuesOf(factor, records).length > 1).map((factor) =>
    factorTable(data, criteria, factor, suffix),
  );
}

function factorTable(data: ReportData, criteria: readonly CriterionValues[], factor: Factor, suffix: string): Table {
  const { field, title } = factor;
  const { seed } = data.manifest;
  return {
    name: `by-${field}${suffix}`,
    caption: `The headline by ${title}: WJI (top-k, against E)`,
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
            budget: data.budget,
          },
        ];
      }),
    ),
  };
}
