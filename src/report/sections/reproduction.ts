import { preface } from "../claims/preface.ts";
import { claimTable, figureTable, type Reproduction } from "../claims/reproduction.ts";
import { LEAST_CLUSTERS } from "../comparison.ts";
import { html } from "../html.ts";
import type { Section } from "../section.ts";
import { tableHtml } from "../tables.ts";

/** The original's findings beside ours, claim by claim; null where clean models are too few for any verdict. */
export function reproduction(found: Reproduction): Section | null {
  if (!found.decided.some(({ finding }) => (finding.decisive?.models ?? 0) >= LEAST_CLUSTERS)) return null;
  const table = claimTable(found);
  const keys = ["id", "statement", "verdict", "value", "p", "models", "defects"];
  return {
    id: "reproduction",
    title: "Reproduction: the original's findings",
    tables: [table],
    body: html`${tableHtml(table, { part: { keys, caption: table.caption } })}
<details><summary>What the verdicts rest on, and each claim in full</summary>
${preface(found).map((sentence) => html`<p>${sentence}</p>`)}
${found.decided.map((decided) => {
  const { claim, finding } = decided;
  const figures = figureTable(decided);
  return html`<details><summary><code>${claim.id}</code>: ${finding.verdict}</summary>
<p><b>The original:</b> ${claim.statement}. (${claim.source})</p>
<p><b>Reproduced here if:</b> ${claim.rule}.</p>
<p><b>Here:</b> ${finding.verdict}: ${finding.reason}.</p>
${figures && tableHtml(figures)}</details>`;
})}</details>`,
  };
}
