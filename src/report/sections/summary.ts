import { distinct } from "../../core/group.ts";
import { cellMean, cellOf } from "../../score/cells.ts";
import { wordsOf } from "../../tasks/registry.ts";
import type { ReportData } from "../collect.ts";
import { type Html, html } from "../html.ts";
import type { Section } from "../section.ts";
import { cellText } from "../tables.ts";
import { findings } from "./findings.ts";
import { rankingHtml, rankingTable } from "./ranking.ts";

/** What this database holds and what came out, in plain words. */
export function summary(data: ReportData): Section {
  const { candidates, accepted, clean, manifest } = data;
  const attacks = distinct(candidates.map(({ attack }) => attack));
  const archs = distinct(candidates.map(({ arch }) => arch));
  const datasets = distinct(candidates.map(({ dataset }) => dataset));
  const mean = (field: "asr" | "asr_sham" | "asr_masked") => {
    const samples = accepted.flatMap(({ id, metrics }) => {
      const value = metrics[field];
      return value === null ? [] : [{ value, cell: cellOf(id) }];
    });
    return samples.length === 0 ? null : cellMean(samples);
  };
  const tile = (value: string, title: string) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`;
  const ca = clean.map(({ metrics }) => metrics.ca);
  const range = ca.length === 0 ? "–" : span(Math.min(...ca), Math.max(...ca));
  const nothing = candidates.length === 0;
  return {
    id: "summary",
    title: "In short",
    tables: data.ranking.length === 0 ? [] : [rankingTable(data)],
    body: html`<p class="lead">${
      nothing
        ? html`This database (edition <b>${manifest.edition}</b>, seed ${manifest.seed}) holds no defects yet${clean.length > 0 && html`, but ${clean.length} clean model${plural(clean)}`}.`
        : html`This database (edition <b>${manifest.edition}</b>, seed ${manifest.seed}) holds copies of ${clean.length} clean ${what(data, clean.length)}
(${archs.join(", ")}, trained on ${datasets.join(", ")}). An attack (${attacks.join(", ")}) was injected by tuning or replacing a known few of the
neurons. <b>${accepted.length}</b> of ${candidates.length} candidate${plural(candidates)} passed every check. Because it is known which neurons are infected, one can
measure how well a technique finds and repairs them.`
    }</p>
${nothing && nextSteps()}
${
  !nothing &&
  html`<dl class="tiles">
${tile(String(accepted.length), `accepted of ${candidates.length} candidates`)}
${tile(range, `clean accuracy of ${clean.length} clean model${plural(clean)}`)}
${tile(cellText(mean("asr"), "rate"), "attack success, infected")}
${tile(cellText(mean("asr_sham"), "rate"), "attack success, sham")}
${tile(cellText(mean("asr_masked"), "rate"), "attack success, infected neurons masked")}
</dl>
<ul class="findings">${findings(data)}</ul>
${rankingHtml(data, "clean", data.budget)}`
}
${
  data.outdated.length > 0 &&
  html`<p class="warning">${data.outdated.length} result${plural(data.outdated)} left out: made from other weights than the database now holds
(${data.outdated.slice(0, 3).join(", ")}${data.outdated.length > 3 && ", …"}). Run <code>bdefects localize</code> and
<code>bdefects repair</code> again.</p>`
}`,
  };
}

/** What the networks are, as their task names samples and targets. */
function what({ clean }: ReportData, count: number): string {
  const { sample, samples, target } = wordsOf(clean);
  const s = count === 1 ? "" : "s";
  return target === "class" ? `${sample} classifier${s}` : `network${s} for ${samples}`;
}

function plural(list: readonly unknown[]): string {
  return list.length === 1 ? "" : "s";
}

function span(low: number, high: number): string {
  const [a, b] = [low.toFixed(3), high.toFixed(3)];
  return a === b ? a : `${a}–${b}`;
}

function nextSteps(): Html {
  return html`<p>To fill it: <code>bdefects build --db DIR</code> makes defects, <code>bdefects localize --db DIR --criterion …</code> lets
criteria look for their infected neurons, <code>bdefects repair --db DIR …</code> repairs them; then run
<code>bdefects report --db DIR</code> again. <code>bdefects demo</code> does all of it on embedded data.</p>`;
}
