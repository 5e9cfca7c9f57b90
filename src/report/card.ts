import { distinct } from "../core/group.ts";
import { LEVELS } from "../core/ids.ts";
import { median } from "../core/statistics.ts";
import { markdownCode, markdownText } from "../core/visible.ts";
import type { CleanRecord } from "../records/clean.ts";
import type { DefectRecord } from "../records/defect.ts";
import { engineWords } from "../records/engine.ts";
import { REASONS } from "../records/gates.ts";
import { DEFECT_METRICS, type DefectMetricKey } from "../records/metrics.ts";
import { wordsOf } from "../tasks/registry.ts";
import { acceptedShare } from "./acceptance.ts";
import { type Cell, type Table, tableMarkdown } from "./tables.ts";

export const STATUSES = ["accepted", "rejected", "duplicate", "deprecated"] as const;

/** Figures of accepted defects that a card gives the range of. */
const RANGES: readonly DefectMetricKey[] = [
  ...(["ca_clean", "ca", "ca_sham", "asr", "asr_clean", "asr_sham"] as const),
  ...(["asr_masked", "masked_clean_to_target", "asr_patched", "asr_random_mask"] as const),
];

const COUNTS: [title: string, of: (record: DefectRecord) => number | null][] = [
  ["infected neurons", ({ infected }) => infected],
  ["effective neurons", ({ effective }) => effective],
  ["bytes of the stored infected version", ({ infected_model }) => infected_model?.bytes ?? null],
];

/** One group in a page of Markdown, from its records alone. */
export function groupCard(group: string, records: readonly DefectRecord[], clean: readonly CleanRecord[]): string {
  const [{ dataset, arch, width, attack, neurons }] = records;
  const accepted = records.filter(({ status }) => status === "accepted");
  const lines = [
    `# ${markdownText(group)}`,
    "",
    `Data set ${markdownCode(dataset)}, architecture ${markdownCode(arch)} (base width ${width}, ${neurons} neurons), attack ${markdownCode(attack)}, target ${wordsOf(records).target} ${distinct(records.map(({ target }) => String(target))).join(", ")}, style ${distinct(records.map(({ style }) => style)).join(", ")}.`,
    "",
    "## Candidates",
    "",
    tableMarkdown(statusTable(records)),
    ...reasonLines(records),
    "## Accepted defects",
    "",
    accepted.length > 0 ? tableMarkdown(rangeTable(accepted)) : "None.\n",
    "## Where they come from",
    "",
    ...twinsOf(records, clean),
    `- Data: SHA-256 ${distinct(records.map(({ data_sha256 }) => `\`${data_sha256}\``)).join(", ")}`,
    ...recipeLines(records),
    ...(accepted.length > 0 ? ["", "```sh", `bdefects checkout ${accepted[0].id} case --sham`, "```"] : []),
    "",
  ];
  return lines.join("\n");
}

/** Candidates by level and status. */
export function statusTable(records: readonly DefectRecord[]): Table {
  const columns = STATUSES.map((status) => ({ key: status, title: status, kind: "count" as const }));
  const inLevel = (level: string) => records.filter((record) => record.level === level);
  const levels = LEVELS.filter((level) => inLevel(level).length > 0);
  return {
    name: "status",
    caption: "Candidates by level and what became of them",
    columns: [
      { key: "level", title: "level", kind: "text" },
      { key: "candidates", title: "candidates", kind: "count" },
      ...columns,
      { key: "share", title: "accepted of those measured", kind: "rate" },
    ],
    rows: [...levels.map((level) => statusRow(level, inLevel(level))), statusRow("all", records)],
  };
}

export function statusRow(name: string, records: readonly DefectRecord[]): Record<string, Cell> {
  const count = (status: string) => records.filter((record) => record.status === status).length;
  const counts = Object.fromEntries(STATUSES.map((status) => [status, count(status)]));
  return { level: name, candidates: records.length, ...counts, share: acceptedShare(records) };
}

/** Least, median and greatest of each figure. */
export function rangeTable(records: readonly DefectRecord[]): Table {
  const row = (title: string, of: (record: DefectRecord) => number | null, digits: number): Record<string, Cell> => {
    const values = records
      .map(of)
      .filter((value) => value !== null)
      .sort((a, b) => a - b);
    const show = (value: number | undefined) => (value === undefined ? null : value.toFixed(digits));
    const middle = values.length === 0 ? undefined : median(values);
    return {
      figure: title,
      n: values.length,
      least: show(values[0]),
      median: show(middle),
      greatest: show(values.at(-1)),
    };
  };
  return {
    name: "ranges",
    caption: `Figures of the accepted defects, on the test ${wordsOf(records).samples}`,
    columns: [
      { key: "figure", title: "figure", kind: "text" },
      { key: "n", title: "defects", kind: "count" },
      { key: "least", title: "least", kind: "count" },
      { key: "median", title: "median", kind: "count" },
      { key: "greatest", title: "greatest", kind: "count" },
    ],
    rows: [
      ...RANGES.map((key) => row(DEFECT_METRICS[key].title, ({ metrics }) => metrics[key], 3)),
      ...COUNTS.map(([title, of]) => row(title, of, 0)),
    ],
  };
}

/** Which gates candidates fell to, and why defects were withdrawn. */
function reasonLines(records: readonly DefectRecord[]): string[] {
  const rejected = records.filter(({ status }) => status === "rejected");
  const gates = REASONS.map(
    (gate) => [gate, rejected.filter(({ reason }) => reason?.startsWith(`${gate}:`)).length] as const,
  );
  const named = gates.filter(([, count]) => count > 0).map(([gate, count]) => `\`${gate}\` ${count}`);
  const others = rejected.length - gates.reduce((sum, [, count]) => sum + count, 0);
  if (others > 0) named.push(`other ${others}`);
  const withdrawn = records.filter(({ status }) => status === "deprecated");
  return [
    ...(named.length > 0 ? [`Rejected by the gate that failed first: ${named.join(", ")}.`, ""] : []),
    ...withdrawn.map(({ id, reason }) => `- Deprecated: ${markdownCode(id)}: ${markdownText(reason ?? "")}`),
    ...(withdrawn.length > 0 ? [""] : []),
  ];
}

function twinsOf(records: readonly DefectRecord[], clean: readonly CleanRecord[]): string[] {
  const known = new Map(clean.map((record) => [record.id, record]));
  return distinct(records.map((record) => record.clean)).map((id) => {
    const twin = known.get(id);
    return twin
      ? `- Clean twin \`${id}\`: CA ${twin.metrics.ca.toFixed(3)}, SHA-256 \`${twin.model.decoded_sha256}\`; recipe: ${markdownText(summary(twin.recipe))}`
      : `- Clean twin \`${id}\`: missing`;
  });
}

/** Every recipe in use; within a group there is one, unless somebody mixed. */
function recipeLines(records: readonly DefectRecord[]): string[] {
  const recipes = distinct(records.map(({ recipe }) => JSON.stringify({ ...recipe, clean_seed: undefined })));
  const engines = records.map(({ engine }) => engineWords(engine));
  return [
    ...recipes.map((recipe) => `- Recipe of the injection: ${markdownText(summary(JSON.parse(recipe)))}`),
    ...distinct(engines).map((engine) => `- Engine: ${markdownText(engine)}`),
  ];
}

/** A recipe's values in one line: `inject.batch 32, …`. */
function summary(recipe: Record<string, unknown>, prefix = ""): string {
  return Object.entries(recipe)
    .map(([name, value]) => {
      const isPart = typeof value === "object" && value !== null && !Array.isArray(value);
      if (isPart) return summary(value as Record<string, unknown>, `${prefix}${name}.`);
      return `${prefix}${name} ${typeof value === "object" ? JSON.stringify(value) : value}`;
    })
    .join(", ");
}
