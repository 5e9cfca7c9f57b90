import { cellMean, cellOf } from "../../score/cells.ts";
import type { ReportData } from "../collect.ts";
import { criteriaInOrder, type Difference, pick } from "../differences.ts";
import { distinct } from "../group.ts";
import { type Html, html } from "../html.ts";
import type { Section } from "../section.ts";
import { cellText, excludesZero } from "../tables.ts";
import { summarizeRepairs } from "./repairs.ts";

/** What this database holds and what came out, in plain words. */
export function summary(data: ReportData, all: readonly Difference[]): Section {
  const { candidates, accepted, clean, manifest } = data;
  const count = (status: string) => candidates.filter((record) => record.status === status).length;
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
    body: html`<p class="lead">${
      nothing
        ? html`This database (edition <b>${manifest.edition}</b>, seed ${manifest.seed}) holds no defects yet${clean.length > 0 && html`, but ${clean.length} clean model${plural(clean)}`}.`
        : html`This database (edition <b>${manifest.edition}</b>, seed ${manifest.seed}) holds <b>${candidates.length}</b> candidate${plural(candidates)}
for a backdoor defect: copies of ${clean.length} clean image classifier${plural(clean)} (${archs.join(", ")}, trained on ${datasets.join(", ")}) into which
an attack (${attacks.join(", ")}) was injected by tuning or replacing a known few of the neurons. <b>${accepted.length}</b> of them
passed every check and ${accepted.length === 1 ? "is" : "are"} accepted; ${count("rejected")} ${count("rejected") === 1 ? "was" : "were"} rejected with the reason, ${count("duplicate")} ${count("duplicate") === 1 ? "is a duplicate" : "are duplicates"}${count("deprecated") > 0 && html`, ${count("deprecated")} deprecated`}.
Because it is known which neurons are infected, one can measure how well a technique finds and repairs them.`
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
<ul class="findings">${findings(data, all)}</ul>`
}
${
  data.outdated.length > 0 &&
  html`<p class="warning">${data.outdated.length} result${plural(data.outdated)} left out: made from other weights than the database now holds
(${data.outdated.slice(0, 3).join(", ")}${data.outdated.length > 3 && ", …"}). Run <code>bdefects localize</code> and
<code>bdefects repair</code> again.</p>`
}`,
  };
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

/** The headline numbers as sentences. Only criteria that see no more than clean data compete. */
function findings(data: ReportData, all: readonly Difference[]): Html[] {
  const lines = localization(pick(all, { access: "clean", truth: "full" }));
  const repaired = summarizeRepairs(data);
  const oracle = repaired.find(({ using }) => using === "oracle");
  const [chosen] = repaired
    .filter(({ access }) => access === "clean")
    .sort((a, b) => b.asrd.value - b.cad.value - (a.asrd.value - a.cad.value));
  if (oracle) {
    lines.push(html`<li><b>Repair.</b> Knowing the infected neurons, <code>${oracle.method}</code> takes away
${cellText(oracle.asrd.value, "rate")} of attack success for ${cellText(oracle.cad.value, "rate")} of accuracy${
      chosen &&
      html`; choosing them by <code>${chosen.using}</code> (the best balance among the criteria that see clean samples) takes away
${cellText(chosen.asrd.value, "rate")} for ${cellText(chosen.cad.value, "rate")}`
    }.</li>`);
  }
  return lines;
}

const CHANCE = 0.5;

/** Who tells the backdoor from mere tuning, and who ranks highest without telling them apart. */
function localization(fair: readonly Difference[]): Html[] {
  const rankings = criteriaInOrder(fair).flatMap((criterion) =>
    pick(fair, { criterion, protocol: "native", metric: "auroc" }).filter(({ infected }) => infected !== null),
  );
  if (rankings.length === 0) return [];
  const sides = ({ infected, sham, difference }: Difference) =>
    html`AUROC ${cellText(infected, "rate")} on infected models, ${cellText(sham, "rate")} on shams, difference <b>${cellText(difference, "estimate")}</b>`;
  const over = ({ pairs }: Difference) => `${pairs} defect${pairs === 1 ? "" : "s"}`;
  const telling = rankings.find(
    ({ infected, difference }) => infected! > CHANCE && excludesZero(difference) && difference!.value > 0,
  );
  const [highest] = [...rankings].sort((a, b) => b.infected! - a.infected!);
  const lines = [
    telling
      ? html`<li><b>Localization.</b> <code>${telling.criterion}</code> tells the backdoor from mere tuning best:
${sides(telling)} over ${over(telling)}.</li>`
      : html`<li><b>Localization.</b> No criterion both ranks infected neurons above others and does so clearly better than on
the shams, over ${over(highest)}.</li>`,
  ];
  if (highest !== telling) {
    lines.push(html`<li><b>Tuning or backdoor?</b> <code>${highest.criterion}</code> ranks the infected neurons highest: ${sides(highest)}. What it finds
as well on the shams is that neurons were tuned, not that they carry a backdoor.</li>`);
  }
  return lines;
}
