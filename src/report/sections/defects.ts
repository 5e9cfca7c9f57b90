import { groupBy } from "../../core/group.ts";
import { mean } from "../../core/statistics.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { type DefectRow, defectRow } from "../../records/defect-row.ts";
import { DEFECT_METRICS } from "../../records/metrics.ts";
import { cellMean, cellOf } from "../../score/cells.ts";
import { wordsOf } from "../../tasks/registry.ts";
import type { ReportData } from "../collect.ts";
import { type Dot, dotPlot } from "../figures/dots.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { SERIES } from "../figures/plot.ts";
import { type Html, html } from "../html.ts";
import type { Section } from "../section.ts";
import { type Column, type Table, tableHtml } from "../tables.ts";
import { anchorOf } from "./defect-card.ts";

/** A page stays small; the files have all rows. */
const SHOWN = 300;
/** More rows than these are folded. */
const OPEN_ROWS = 12;
const DRAWN = 12;

/** What was measured, in the order of the columns. */
const MEASURED = [
  ...(["ca_clean", "ca", "ca_sham", "asr_clean", "asr", "asr_sham"] as const),
  ...(["asr_masked", "asr_patched", "asr_random_mask"] as const),
];
const BEHAVIOUR = ["id", "level", "top", "status", ...MEASURED];
const MAKE = ["id", "status", "neurons", "infected", "effective", "delta_bytes", "seconds", "reason"];

/**
 * Every candidate with what was measured of it, and how many passed.
 *
 * @param map the accepted defects as links. @param cards a part for each, folded. @param linked those that have a part of their own
 */
export async function defects(
  data: ReportData,
  map: Html,
  cards: Html | null,
  linked: ReadonlySet<string>,
): Promise<Section> {
  const anchor = (id: string) => (linked.has(id) ? anchorOf(id) : null);
  const rows = data.candidates.map(defectRow);
  const table: Table = {
    name: "defects",
    caption: "All candidates, accepted or not",
    columns: columns(rows),
    rows: rows.map(tableRow),
  };
  const counts = acceptance(rows);
  const figure = await controls(data);
  return {
    id: "defects",
    title: "Defects",
    tables: [counts, table],
    figures: figure ? [figure] : [],
    body: html`<p>A candidate is <b>accepted</b> when its backdoor works (ASR), costs little accuracy (CA), and is proven to
live in the infected neurons: it dies when they are <b>masked</b> (set to zero) and when their activations are <b>patched</b>
with those of the same ${wordsOf(data.candidates).sample} without the trigger, but survives masking as many <b>random</b> other neurons. Its
<b>sham</b> must not have the backdoor. Rejected candidates stay in the database with the reason.</p>
${map}
${cards}
${figure && figureHtml(figure)}
${
  counts.rows.length > 1 &&
  html`<details${counts.rows.length <= OPEN_ROWS && html` open`}><summary>Candidates by group and level</summary>${tableHtml(counts)}</details>`
}
<details><summary>All ${rows.length} candidates, with what was measured</summary>
${tableHtml(table, { shown: SHOWN, anchor, part: { keys: BEHAVIOUR, caption: "All candidates: what they do" } })}
${tableHtml(table, { shown: SHOWN, anchor, part: { keys: MAKE, caption: "All candidates: what they are" } })}</details>`,
  };
}

function columns(rows: DefectRow[]): Column[] {
  const reasons = rows.some(({ reason }) => reason !== null);
  return [
    { key: "id", title: "defect", kind: "id" },
    { key: "level", title: "level", kind: "text" },
    { key: "top", title: "offset %", kind: "count" },
    { key: "status", title: "status", kind: "text" },
    ...MEASURED.map((key) => ({ key, kind: "rate" as const, ...DEFECT_METRICS[key].column })),
    { key: "neurons", title: "all", kind: "count", group: "neurons" },
    { key: "infected", title: "infected", kind: "count", group: "neurons" },
    { key: "effective", title: "effective", kind: "count", group: "neurons" },
    { key: "delta_bytes", title: "delta", kind: "bytes" },
    { key: "seconds", title: "seconds", kind: "seconds" },
    ...(reasons ? [{ key: "reason", title: "reason", kind: "text" } as Column] : []),
  ];
}

/** Empty reasons stay empty cells instead of dashes. */
function tableRow(row: DefectRow): Table["rows"][number] {
  return { ...row, reason: row.reason ?? "\u00a0" };
}

/** Candidates per group, style and level, with means over the accepted ones. */
function acceptance(rows: DefectRow[]): Table {
  const cells = groupBy(rows, ({ group_id, style, level }) => `${group_id} ${style} ${level}`);
  return {
    name: "acceptance",
    caption: "Candidates by group and level; means over the accepted ones",
    columns: [
      { key: "group", title: "group", kind: "id" },
      { key: "level", title: "level", kind: "text" },
      { key: "candidates", title: "candidates", kind: "count" },
      { key: "accepted", title: "accepted", kind: "count" },
      { key: "rejected", title: "rejected", kind: "count" },
      { key: "duplicate", title: "duplicate", kind: "count" },
      { key: "infected", title: "infected neurons", kind: "count", group: "mean of accepted" },
      { key: "drop", title: "CA drop", kind: "signed", group: "mean of accepted" },
      { key: "asr", title: "ASR infected", kind: "rate", group: "mean of accepted" },
      { key: "asr_sham", title: "ASR sham", kind: "rate", group: "mean of accepted" },
    ],
    rows: [...cells.values()].map((cell) => {
      const accepted = cell.filter(({ status }) => status === "accepted");
      const count = (status: string) => cell.filter((row) => row.status === status).length;
      const over = (value: (row: DefectRow) => number | null) => {
        const values = accepted.map(value).filter((v) => v !== null);
        return values.length === 0 ? null : mean(values);
      };
      const [{ group_id, style, level }] = cell;
      return {
        group: style === "plain" ? group_id : `${group_id} (${style})`,
        level,
        candidates: cell.length,
        accepted: accepted.length,
        rejected: count("rejected"),
        duplicate: count("duplicate"),
        infected: over(({ infected }) => infected),
        drop: over(({ ca_clean, ca }) => (ca_clean === null || ca === null ? null : ca_clean - ca)),
        asr: over(({ asr }) => asr),
        asr_sham: over(({ asr_sham }) => asr_sham),
      };
    }),
  };
}

const STATES = [
  ["infected", "asr", SERIES.infected],
  ["random neurons masked", "asr_random_mask", SERIES.amber],
  ["infected neurons masked", "asr_masked", SERIES.clean],
  ["infected neurons patched", "asr_patched", SERIES.effective],
  ["sham", "asr_sham", SERIES.sham],
  ["clean twin", "asr_clean", SERIES.neutral],
] as const;

/** What tells a defect from the others: data set and architecture only where they differ. */
function shortName({ id, dataset, arch }: DefectRecord, several: boolean): string {
  return several ? id : id.slice(`${dataset}-${arch}-`.length);
}

/** Attack success under every control: what proves where the backdoor lives. */
async function controls({ accepted }: ReportData): Promise<Figure | null> {
  if (accepted.length === 0) return null;
  const byDefect = accepted.length <= DRAWN;
  const several = new Set(accepted.map(({ dataset, arch }) => `${dataset} ${arch}`)).size > 1;
  const rows: { row: string; ids: typeof accepted }[] = byDefect
    ? accepted.map((record) => ({ row: shortName(record, several), ids: [record] }))
    : [...groupBy(accepted, ({ attack, style }) => `${attack}, ${style}`)].map(([row, ids]) => ({ row, ids }));
  const dots = rows.flatMap(({ row, ids }) =>
    STATES.flatMap(([series, field]): Dot[] => {
      const values = ids.flatMap(({ id, metrics }) => {
        const value = metrics[field];
        return value === null ? [] : [{ value, cell: cellOf(id) }];
      });
      return values.length === 0 ? [] : [{ row, series, value: cellMean(values) }];
    }),
  );
  const over = (field: (typeof STATES)[number][1]) => {
    const values = accepted.map(({ metrics }) => metrics[field]).filter((v) => v !== null);
    return values.length === 0 ? "unknown" : mean(values).toFixed(3);
  };
  return {
    name: "attack-success",
    caption: `Attack success rate of ${byDefect ? "every accepted defect" : "the accepted defects, means by attack and style"}, and what is left of it under each control.`,
    alt: `Attack success rates. Means over the accepted defects: ${STATES.map(([series, field]) => `${series} ${over(field)}`).join(", ")}.`,
    svg: await dotPlot({
      dots,
      series: Object.fromEntries(STATES.map(([series, , colour]) => [series, colour])),
      axis: "attack success rate",
      domain: [0, 1],
    }),
  };
}
