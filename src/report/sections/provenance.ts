import { LEVELS } from "../../core/ids.ts";
import { PLUGIN_PREFIX } from "../../store/results.ts";
import { packageVersion } from "../../store/version.ts";
import type { ReportData } from "../collect.ts";
import { distinct } from "../group.ts";
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
      { what: "created", value: manifest.created },
      { what: "report written by", value: `bdefects4nn ${packageVersion()}` },
      ...engines.map(({ package_version, runtime, lowering, platform, device }) => ({
        what: "models made by",
        value: `bdefects4nn ${package_version}, engine ${runtime}, lowering ${lowering}, ${platform}${device === undefined ? "" : `, on ${device}`}`,
      })),
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
    body: html`${tableHtml(facts)}
<h3>Commands</h3>
<p>The same recipe, machine and thread count give the same bytes; elsewhere the same numbers within small tolerances.</p>
<pre><code>${commands(data).join("\n")}</code></pre>
${recipes.length > 0 && html`<details><summary>Recipes of the clean models</summary>${recipes.map((recipe) => html`<pre><code>${recipe}</code></pre>`)}</details>`}
${inject && html`<details><summary>Recipe of ${candidates[0].id}</summary><pre><code>${inject}</code></pre></details>`}`,
  };
}

function commands({ manifest, candidates, accepted, scores, repairs }: ReportData): string[] {
  const lines: string[] = [];
  const groups = distinct(accepted.map(({ group_id }) => group_id));
  if (manifest.edition === "demo") lines.push("# all of it at once", "bdefects demo --db DIR", "# or step by step");
  if (candidates.length > 0) {
    const values = (pick: (record: (typeof candidates)[number]) => string | number) =>
      [...new Set(candidates.map(pick))].join(",");
    const levels = LEVELS.filter((level) => candidates.some((record) => record.level === level)).join(",");
    const offsets = [...new Set(candidates.map(({ top }) => top))].sort((a, b) => a - b).join(",");
    lines.push(
      `bdefects build --db DIR --edition ${manifest.edition} --seed ${manifest.seed} --dataset ${values((r) => r.dataset)} --arch ${values((r) => r.arch)} --attack ${values((r) => r.attack)} --level ${levels} --offset ${offsets}`,
    );
  }
  const criteria = distinct(scores.map(({ criterion }) => criterion)).sort();
  const versions = distinct(scores.map(({ version }) => version));
  const judged = groups.flatMap((group) => versions.map((version) => `${group}:${version}`)).join(" ");
  const seed = `--seed ${manifest.seed}`;
  const [plugins, own] = [true, false].map((wanted) =>
    criteria.filter((name) => name.startsWith(PLUGIN_PREFIX) === wanted),
  );
  if (own.length > 0) lines.push(`bdefects localize ${judged} --db DIR ${seed} --criterion ${own.join(",")}`);
  for (const name of plugins)
    lines.push(`bdefects localize ${judged} --db DIR ${seed} --criterion "${name.slice(PLUGIN_PREFIX.length)}=cmd:…"`);
  const methods = distinct(repairs.map(({ method }) => method));
  const usings = distinct(repairs.map(({ using }) => using));
  if (repairs.length > 0)
    lines.push(`bdefects repair --db DIR ${seed} --method ${methods.join(",")} --using ${usings.join(",")}`);
  lines.push("bdefects verify --db DIR --all", "bdefects report --db DIR");
  return lines;
}
