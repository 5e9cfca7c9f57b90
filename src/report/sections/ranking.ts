import { distinct } from "../../core/group.ts";
import type { ReportData } from "../collect.ts";
import { type Contest, contestOf, LEAST_CLUSTERS } from "../comparison.ts";
import { type Html, html } from "../html.ts";
import type { RankedCriterion } from "../ranking.ts";
import { type Cell, cellText, excludesZero, type Table } from "../tables.ts";
import { ACCESS } from "./access.ts";
import { BUDGET } from "./criteria-tables.ts";
import { count } from "./findings.ts";

/** The ranking as a table of files: every access and budget, in the one order. */
export function rankingTable({ ranking }: Pick<ReportData, "ranking">): Table {
  return {
    name: "ranking",
    caption: "Criteria by the headline: WJI of the top-k set against the effective neurons, infected − sham",
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "rank", title: "rank", kind: "count" },
      { key: "access", title: "access", kind: "text" },
      BUDGET,
      { key: "difference", title: "infected − sham", kind: "estimate" },
      { key: "infected", title: "infected", kind: "rate" },
      { key: "sham", title: "sham", kind: "rate" },
      { key: "defects", title: "defects", kind: "count" },
      { key: "models", title: "clean models", kind: "count" },
      { key: "note", title: "note", kind: "text" },
    ],
    rows: ranking.map(({ baseline: _, note, ...row }): Record<string, Cell> => ({ ...row, note: note ?? "\u00a0" })),
  };
}

/** One access and budget of the ranking for the page, with each interval drawn. */
export function rankingHtml(data: ReportData, access: string, budget: string): Html {
  const rows = data.ranking.filter((row) => row.access === access && row.budget === budget);
  if (rows.length === 0) return html``;
  const contest = budget === data.budget ? contestOf(data, access) : null;
  const scale = scaleOf(rows);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Ranking, access ${access}, budget ${budget}">
<table class="ranking"><caption>${ACCESS[access] ?? access}, ${budget} budget</caption>
<thead><tr>
<th scope="col" class="count">rank</th><th scope="col" class="id">criterion</th><th scope="col" class="estimate">infected − sham</th>
<th scope="col" class="bar">95 % interval</th><th scope="col" class="rate">infected</th><th scope="col" class="rate">sham</th>
${contest && html`<th scope="col" class="text">alike</th>`}<th scope="col" class="count">defects</th>
<th scope="col" class="count">clean models</th><th scope="col" class="text">budget</th></tr></thead>
<tbody>${rows.map((row) => rowHtml(row, scale, contest))}</tbody></table></div>
${notes(rows, contest)}`;
}

/** Access and budget of every class but the one that the page opens with. */
export function otherClasses({ ranking, budget }: ReportData): { access: string; budget: string }[] {
  return distinct(ranking.map((row) => `${row.access} ${row.budget}`))
    .filter((key) => key !== `clean ${budget}`)
    .map((key) => ({ access: key.split(" ")[0], budget: key.split(" ")[1] }));
}

function rowHtml(row: RankedCriterion, scale: Scale, contest: Contest | null): Html {
  const { rank, criterion, difference, infected, sham, defects, models, budget, baseline, note } = row;
  const place = rank === null ? html`<span title="${note}">${baseline ? "·" : "–"}</span>` : rank;
  return html`<tr class="${rank === null ? "unranked" : "ranked"}">
<td class="count" data-v="${rank ?? ""}">${place}</td><th scope="row" class="id">${criterion}${baseline && html` <small>baseline</small>`}</th>
<td class="estimate${excludesZero(difference) ? " clear" : ""}" data-label="infected − sham" data-v="${difference?.value}">${cellText(difference, "estimate")}</td>
<td class="bar">${bar(row, scale)}</td>
<td class="rate infected" data-label="infected" data-v="${infected}">${cellText(infected, "rate")}</td><td class="rate sham" data-label="sham" data-v="${sham}">${cellText(sham, "rate")}</td>
${contest && html`<td class="text alike" data-label="alike">${contest.letters.get(criterion) ?? ""}</td>`}<td class="count defects" data-label="defects" data-v="${defects}">${defects}</td>
<td class="count models" data-label="clean models" data-v="${models}">${models}</td><td class="text budget" data-label="budget">${budget}</td></tr>
`;
}

interface Scale {
  from: number;
  to: number;
}

function scaleOf(rows: readonly RankedCriterion[]): Scale {
  const ends = rows.flatMap(({ difference }) =>
    difference === null ? [] : [difference.value, difference.low ?? 0, difference.high ?? 0],
  );
  return { from: Math.min(-0.05, ...ends), to: Math.max(0.05, ...ends) };
}

const WIDTH = 220;
const EDGE = 6;

/** The difference with its interval on the scale of its table; the dashed line is zero. */
function bar({ difference, criterion }: RankedCriterion, { from, to }: Scale): Html | null {
  if (difference === null) return null;
  const x = (value: number) => Math.round(10 * (EDGE + ((value - from) / (to - from)) * (WIDTH - 2 * EDGE))) / 10;
  const { value, low, high } = difference;
  const side = low !== null && low > 0 ? "above" : high !== null && high < 0 ? "below" : "open";
  return html`<svg class="interval ${side}" viewBox="0 0 ${WIDTH} 18" role="img" aria-label="${criterion}: infected − sham ${cellText(difference, "estimate")}">
<path class="zero" d="M${x(0)} 0v18"/>${low !== null && high !== null && html`<path class="span" d="M${x(low)} 9H${x(high)}"/>`}<circle cx="${x(value)}" cy="9" r="4.5"/></svg>`;
}

function notes(rows: readonly RankedCriterion[], contest: Contest | null): Html {
  const apart = rows.filter(({ note, baseline }) => note !== null && !baseline);
  const [first] = rows;
  return html`<p class="note">WJI of the top-k set against the effective neurons, on infected models and on their shams. Brackets: 95 % bootstrap
intervals over clean models, then their defects${
    first.models === 1 && html`; with one clean model they are over its defects, and say nothing about other networks`
  }. Bold: the interval excludes zero.
${
  contest
    ? html`<b>alike</b>: criteria that share a letter are not told apart (signed-rank test over ${count(contest.models, "clean model")}, Holm).`
    : rows.filter(({ rank }) => rank !== null).length > 1 &&
      first.models < LEAST_CLUSTERS &&
      html`No test between criteria: ${count(first.models, "clean model")} here, and ${LEAST_CLUSTERS} are needed.`
}${apart.map(({ criterion, note }) => html` <code>${criterion}</code>: ${note}.`)}</p>`;
}
