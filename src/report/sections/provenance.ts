import { distinct } from "../../core/group.ts";
import { createdAt } from "../../records/database.ts";
import { engineWords } from "../../records/engine.ts";
import { packageVersion } from "../../store/version.ts";
import type { ReportData } from "../collect.ts";
import { buildCommands, judgingCommands } from "../commands.ts";
import { html } from "../html.ts";
import type { Section } from "../section.ts";
import { type Table, tableHtml } from "../tables.ts";

/** What produced the numbers, and the commands that produce them again. */
export function provenance(data: ReportData): Section {
  const { manifest, candidates, clean } = data;
  const engines = distinct([...clean, ...candidates].map(({ engine }) => JSON.stringify(engine))).map(
    (text) => JSON.parse(text) as (typeof clean)[number]["engine"],
  );
  const facts: Table = {
    name: "provenance",
    caption: "Where the numbers come from",
    columns: [
      { key: "what", title: "what", kind: "id" },
      { key: "value", title: "value", kind: "text" },
    ],
    rows: [
      { what: "edition", value: manifest.edition },
      { what: "seed", value: String(manifest.seed) },
      { what: "created", value: createdAt(manifest) ?? "unknown" },
      { what: "report written by", value: `bdefects4nn ${packageVersion()}` },
      ...engines.map((engine) => ({ what: "models made by", value: engineWords(engine) })),
      ...Object.entries(manifest.data).map(([dataset, hash]) => ({
        what: `SHA-256 of ${dataset} (data)`,
        value: hash,
      })),
      ...clean.map(({ id, model }) => ({ what: `SHA-256 of ${id}`, value: model.decoded_sha256 })),
    ],
  };
  const recipes = distinct(clean.map(({ recipe }) => JSON.stringify(recipe, null, 2)));
  const inject = candidates.length === 0 ? null : JSON.stringify(candidates[0].recipe, null, 2);
  return {
    id: "provenance",
    title: "Provenance",
    tables: [facts],
    body: html`<p>These commands make the numbers of this page again, each with the budget and seed that it had. The same recipe, machine and
thread count give the same bytes; elsewhere the same numbers within small tolerances.</p>
<pre><code>${commands(data).join("\n")}</code></pre>
<details><summary>${facts.caption}: hashes, engine, versions</summary>${tableHtml(facts)}</details>
${recipes.length > 0 && html`<details><summary>Recipes of the clean models</summary>${recipes.map((recipe) => html`<pre><code>${recipe}</code></pre>`)}</details>`}
${inject && html`<details><summary>Recipe of ${candidates[0].id}</summary><pre><code>${inject}</code></pre></details>`}`,
  };
}

function commands(data: ReportData): string[] {
  const lines = [...buildCommands(data)];
  lines.push(...judgingCommands(data));
  const shown = data.criteria.length === 0 ? "" : ` --budget ${data.budget}`;
  lines.push("bdefects verify --db DIR --all", `bdefects report --db DIR${shown}`);
  return lines;
}
