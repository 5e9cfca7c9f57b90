import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { distinct, groupBy } from "../core/group.ts";
import { markdownCode, markdownText } from "../core/visible.ts";
import { type CleanRecord, gridOf } from "../records/clean.ts";
import { createdWords } from "../records/database.ts";
import type { DefectRecord } from "../records/defect.ts";
import { engineKind } from "../records/engine.ts";
import type { Database } from "../store/database.ts";
import { makeFolder, withPath } from "../store/disk/fs.ts";
import { fillNewFolder } from "../store/disk/new-folder.ts";
import { DATASETS, taskOfDataset, wordsOf } from "../tasks/registry.ts";
import { groupCard, rangeTable, STATUSES, statusRow, statusTable } from "./card.ts";
import { type Table, tableMarkdown } from "./tables.ts";

/**
 * Writes a datasheet of a database (after Gebru et al., "Datasheets for Datasets") and a card per group as Markdown, all
 * of it from the records, into a new folder: `DATASHEET.md` and `cards/<group>.md`.
 *
 * @returns the files, below the folder. @throws InputError on a damaged record or a folder that holds something.
 */
export async function writeDatasheet(database: Database, dir: string): Promise<string[]> {
  const records = database.soundDefects();
  const clean = database.soundClean();
  const pages = new Map([["DATASHEET.md", datasheet(database, records, clean)]]);
  for (const [group, inside] of groupBy(records, ({ group_id }) => group_id)) {
    pages.set(`cards/${group}.md`, groupCard(group, inside, clean));
  }
  await fillNewFolder(dir, (folder) => {
    makeFolder(join(folder, "cards"));
    for (const [name, text] of pages) withPath(dir, () => writeFileSync(join(folder, name), text));
  });
  return [...pages.keys()];
}

function datasheet(database: Database, records: readonly DefectRecord[], clean: readonly CleanRecord[]): string {
  const { edition, seed, data } = database.manifest;
  const accepted = records.filter(({ status }) => status === "accepted");
  return [
    `# Datasheet: bdefects4nn database, edition ${markdownText(edition)}`,
    "",
    "## Why it exists",
    "",
    "Neural networks with a backdoor whose infected neurons are known, each beside its clean twin and a sham that was handled the same way and taught no backdoor: ground truth for techniques that localize or repair defects in networks.",
    "",
    "## What is in it",
    "",
    `Edition ${markdownCode(edition)}, seed ${seed}${createdWords(database.manifest)}: candidates: ${records.length}, of them accepted defects: ${accepted.length}; groups: ${new Set(records.map(({ group_id }) => group_id)).size}; clean models: ${clean.length}. Rejected candidates are kept with their reason, without models.`,
    "",
    ...(records.length > 0 ? [tableMarkdown(groupTable(records)), tableMarkdown(statusTable(records))] : []),
    ...(accepted.length > 0 ? [tableMarkdown(rangeTable(accepted))] : []),
    "## What it was made from",
    "",
    ...Object.entries(data).map(([name, hash]) => dataLine(name, hash)),
    "",
    clean.length > 0 ? tableMarkdown(cleanTable(clean)) : "No clean model yet.\n",
    "## How it was made",
    "",
    "Neurons of each layer are ranked by their contribution to clean predictions (Rule 1); level and offset choose how many and from where (Rule 2); only what belongs to them is changed, and where a sub-network is replaced also what the recipe trains to make up for it; the candidate stays if the backdoor is strong, clean accuracy holds, and the backdoor dies with the chosen neurons and with no others (Rule 3). The cards state every hyper-parameter.",
    "",
    "## What to know before using it",
    "",
    ...limits(records, clean),
    "",
    "## Keeping it",
    "",
    "Every file carries a checksum or is named by its hash: `bdefects verify --all`, with `--metrics` to measure the figures again. A defect found faulty is deprecated with a reason, never changed.",
    ...records
      .filter(({ status }) => status === "deprecated")
      .map(({ id, reason }, i) => `${i === 0 ? "\n" : ""}- ${markdownCode(id)}: ${markdownText(reason ?? "")}`),
    "",
  ].join("\n");
}

function groupTable(records: readonly DefectRecord[]): Table {
  return {
    name: "groups",
    caption: "Groups; each has a card",
    columns: [
      { key: "level", title: "group", kind: "id" },
      { key: "candidates", title: "candidates", kind: "count" },
      ...STATUSES.map((status) => ({ key: status, title: status, kind: "count" as const })),
      { key: "share", title: "accepted of those measured", kind: "rate" },
    ],
    rows: [...groupBy(records, ({ group_id }) => group_id)].map(([group, inside]) => statusRow(group, inside)),
  };
}

function cleanTable(clean: readonly CleanRecord[]): Table {
  return {
    name: "clean",
    caption: "Clean models",
    columns: [
      { key: "id", title: "clean model", kind: "id" },
      { key: "ca", title: "CA", kind: "rate" },
      { key: "epochs", title: "epochs", kind: "count" },
      { key: "bytes", title: "stored", kind: "bytes" },
    ],
    rows: clean.map(({ id, metrics, history, model }) => ({
      id,
      ca: metrics.ca,
      epochs: history.length,
      bytes: model.bytes,
    })),
  };
}

function dataLine(name: string, hash: string): string {
  const known = DATASETS.get(name);
  return `- ${markdownCode(name)}${known ? ` (${known.title}: ${known.source})` : ""}: SHA-256 of the ${samplesOf(name)} and labels as loaded \`${hash}\``;
}

/** What a data set's samples are called; the data set may be one that this version does not know. */
function samplesOf(dataset: string): string {
  return DATASETS.has(dataset) ? taskOfDataset(dataset).words.samples : "samples";
}

/** What the records themselves show to be a limit. */
function limits(records: readonly DefectRecord[], clean: readonly CleanRecord[]): string[] {
  const models = groupBy(clean, ({ dataset, arch }) => `${dataset}-${arch}`);
  const fewest = Math.min(...[...models.values()].map((inside) => inside.length));
  const styles = distinct(records.map(({ style }) => style));
  const narrow = distinct(records.filter(({ arch }) => /w\d+$/.test(arch)).map(({ arch }) => arch));
  const empty = [...groupBy(records, ({ group_id }) => group_id)].filter(
    ([, inside]) => !inside.some(({ status }) => status === "accepted"),
  );
  const engines = distinct(records.map(({ engine }) => engineKind(engine)));
  const lines: string[] = [];
  if (models.size > 0) {
    lines.push(
      `- At least one pair of data set and architecture has ${fewest} clean model${fewest === 1 ? "" : "s"}: its defects are relatives, and say little about other models.`,
    );
  }
  if (styles.includes("plain")) {
    lines.push("- Style `plain` leaves fingerprints in the weights: compare infected with sham, not scores alone.");
  }
  const grid = [...records, ...clean].map(gridOf).find(Boolean);
  if (grid) {
    lines.push(
      `- All weights of all versions are rounded to values of half precision (\`grid: ${grid}\`): the grid itself tells nothing apart, and a repaired model need not lie on it.`,
    );
  }
  if (narrow.length > 0) lines.push(`- Reduced width (${narrow.join(", ")}): findings need not hold at full width.`);
  for (const [group] of empty) lines.push(`- \`${group}\` has no accepted defect.`);
  if (engines.length > 1)
    lines.push(
      `- Made by ${engines.length} engines (${markdownText(engines.join("; "))}): bytes may differ among them.`,
    );
  lines.push(
    `- The ${wordsOf([...records, ...clean]).samples} are not part of the database and have licences of their own.`,
  );
  return lines;
}
