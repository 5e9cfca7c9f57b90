/**
 * The tables of docs/sample.md from the records of the sample, or of another database. Prints Markdown.
 *
 *     npx tsx bench/sample.ts [DB]
 */

import { distinct } from "../src/core/group.ts";
import { groupId } from "../src/core/ids.ts";
import { makePlan } from "../src/pipeline/plan/plan.ts";
import { loadEdition } from "../src/pipeline/recipe/recipe.ts";
import type { DefectRecord } from "../src/records/defect.ts";
import { type Table, tableMarkdown } from "../src/report/tables.ts";
import type { Database } from "../src/store/database.ts";
import { openDatabase } from "../src/store/database.ts";
import { SAMPLE_DIR } from "../src/store/shipped/sample.ts";

/** The tables and what is missing, one after the other, as they stand in the page. */
export function sampleTables(db: Database): string {
  const records = db.listDefects().map((id) => db.readDefect(id));
  return [tableMarkdown(cleanTable(db)), tableMarkdown(defectTable(records)), missingLine(records)].join("\n");
}

/** The groups and styles of the edition of which no defect is accepted. */
function missingLine(records: readonly DefectRecord[]): string {
  const edition = loadEdition("sample");
  const nameOf = (group: string, style: string) => `\`${group}\` ${style}`;
  const accepted = new Set(
    records.filter(({ status }) => status === "accepted").map(({ group_id, style }) => nameOf(group_id, style)),
  );
  const planned = makePlan(edition, edition.select).candidates.map(({ key }) => nameOf(groupId(key), key.style));
  const missing = distinct(planned).filter((name) => !accepted.has(name));
  const count = `${accepted.size} of ${distinct(planned).length} groups and styles have an accepted defect.`;
  return missing.length === 0 ? `${count}\n` : `${count} Without one: ${missing.join(", ")}.\n`;
}

function cleanTable(db: Database): Table {
  const rows = db
    .listClean()
    .map((id) => db.readClean(id))
    .map(({ id, metrics, history, model, seconds }) => ({
      id,
      ca: metrics.ca,
      epochs: history.length,
      bytes: model.bytes,
      seconds,
    }));
  return {
    name: "clean",
    caption: "Clean models",
    columns: [
      { key: "id", title: "clean model", kind: "text" },
      { key: "ca", title: "CA", kind: "rate" },
      { key: "epochs", title: "epochs", kind: "count" },
      { key: "bytes", title: "bytes", kind: "bytes" },
      { key: "seconds", title: "seconds", kind: "seconds" },
    ],
    rows,
  };
}

/** One row per candidate: the accepted one of a group and style first, then what was tried before it. */
function defectTable(records: readonly DefectRecord[]): Table {
  const rank = ({ status }: DefectRecord) => (status === "accepted" ? 0 : 1);
  const rows = distinct(records.map(({ group_id }) => group_id)).flatMap((group) =>
    records
      .filter(({ group_id }) => group_id === group)
      .sort((a, b) => b.style.localeCompare(a.style) || rank(a) - rank(b))
      .map(({ style, level, top, status, reason, metrics, infected, infected_model, sham_model }) => ({
        group,
        style,
        place: `${level} ${top} %`,
        status: status === "accepted" ? status : `${status}: ${reason}`,
        infected,
        ...metrics,
        bytes: infected_model?.bytes ?? null,
        sham_bytes: sham_model?.bytes ?? null,
      })),
  );
  const rate = (key: string, title: string) => ({ key, title, kind: "rate" as const });
  return {
    name: "defects",
    caption: "Defects",
    columns: [
      { key: "group", title: "group", kind: "text" },
      { key: "style", title: "style", kind: "text" },
      { key: "place", title: "level, offset", kind: "text" },
      { key: "status", title: "status", kind: "text" },
      { key: "infected", title: "infected neurons", kind: "count" },
      rate("ca_clean", "CA clean"),
      rate("ca", "CA"),
      rate("asr", "ASR"),
      rate("asr_clean", "ASR clean"),
      rate("asr_masked", "ASR masked"),
      rate("masked_clean_to_target", "clean to target, masked"),
      rate("asr_patched", "ASR patched"),
      rate("asr_random_mask", "ASR random mask"),
      rate("asr_sham", "ASR sham"),
      { key: "bytes", title: "bytes", kind: "bytes" },
      { key: "sham_bytes", title: "bytes of the sham", kind: "bytes" },
    ],
    rows,
  };
}

if (process.argv[1]?.endsWith("sample.ts")) {
  process.stdout.write(sampleTables(await openDatabase(process.argv[2] ?? SAMPLE_DIR, { readOnly: true })));
}
