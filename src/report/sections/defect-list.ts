import { groupBy } from "../../core/group.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { type Html, html } from "../html.ts";
import { anchorOf, type CardParts, defectCard } from "./defect-card.ts";

/** Beyond so many links the list is folded. */
const FEW = 150;

/** Every accepted defect as a link to its part of the page: a row per data set and architecture, a column per attack and style. */
export function defectMap(accepted: readonly DefectRecord[], linked: ReadonlySet<string>): Html {
  if (accepted.length === 0) return html``;
  const rows = [...groupBy(accepted, ({ dataset, arch }) => `${dataset} ${arch}`)];
  const columns = [...groupBy(accepted, columnOf).keys()].sort();
  const link = ({ id, level, top }: DefectRecord) => {
    const text = `${level} ${top}`;
    return linked.has(id)
      ? html`<a href="#${anchorOf(id)}" title="${id}">${text}</a> `
      : html`<span title="${id}">${text}</span> `;
  };
  const table = html`<div class="scroll" tabindex="0" role="region" aria-label="Accepted defects">
<table class="map"><caption>Accepted defects by level and offset: each leads to its examples, strips and scores</caption>
<thead><tr><th scope="col" class="text">data set, architecture</th>${columns.map((column) => html`<th scope="col" class="text">${column}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, inside]) =>
      html`<tr><th scope="row" class="text">${name}</th>${columns.map(
        (column) => html`<td class="text">${inside.filter((record) => columnOf(record) === column).map(link)}</td>`,
      )}</tr>\n`,
  )}</tbody></table></div>`;
  if (accepted.length <= FEW) return table;
  return html`<details><summary>All ${accepted.length} accepted defects</summary>${table}</details>`;
}

function columnOf({ attack, style }: DefectRecord): string {
  return style === "plain" ? attack : `${attack}, ${style}`;
}

/** A folded part for each defect that is no example. */
export async function defectCards(
  records: readonly DefectRecord[],
  parts: Omit<CardParts, "pictures" | "whole">,
  picturesOf: (id: string) => CardParts["pictures"],
): Promise<Html | null> {
  if (records.length === 0) return null;
  const cards: Html[] = [];
  for (const record of records) {
    const { body } = await defectCard(record, { ...parts, pictures: picturesOf(record.id), whole: false });
    cards.push(
      html`<details class="card" id="${anchorOf(record.id)}"><summary><code>${record.id}</code></summary>${body}</details>\n`,
    );
  }
  return html`<details class="cards"><summary>Every other defect, one by one (${records.length})</summary>${cards}</details>`;
}
