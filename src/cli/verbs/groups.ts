import type { Command } from "commander";
import type { DefectRow } from "../../records/defect-row.ts";
import { openToRead, selectRows } from "../open.ts";
import { dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows } from "../output.ts";

const COLUMNS = [
  "group_id",
  "dataset",
  "arch",
  "attack",
  "candidates",
  "accepted",
  "rejected",
  "duplicate",
  "deprecated",
  "foreign",
  "ca",
  "asr",
  "seconds",
];

const FIRST = [
  "group_id",
  "accepted",
  "candidates",
  "asr",
  "ca",
  "rejected",
  "duplicate",
  "deprecated",
  "foreign",
  "seconds",
];

/** The groups (data set × architecture × attack) with what became of their candidates. */
export function registerGroups(program: Command): void {
  program
    .command("groups")
    .description("list groups with their number of defects; ca and asr are means over the accepted ones")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async ({ db, ...output }: SharedOptions) => {
      const groups = new Map<string, DefectRow[]>();
      for (const row of await selectRows(await openToRead(db), [])) {
        groups.set(row.group_id, [...(groups.get(row.group_id) ?? []), row]);
      }
      emitRows([...groups.values()].map(summary), output, { fields: COLUMNS, first: FIRST });
    });
}

function summary(rows: DefectRow[]) {
  const [{ group_id, dataset, arch, attack }] = rows;
  const count = (status: DefectRow["status"]) => rows.filter((row) => row.status === status).length;
  const accepted = rows.filter((row) => row.status === "accepted");
  return {
    group_id,
    dataset,
    arch,
    attack,
    candidates: rows.length - count("foreign"),
    accepted: count("accepted"),
    rejected: count("rejected"),
    duplicate: count("duplicate"),
    deprecated: count("deprecated"),
    foreign: count("foreign"),
    ca: mean(accepted.map((row) => row.ca)),
    asr: mean(accepted.map((row) => row.asr)),
    seconds: rows.reduce((sum, row) => sum + (row.seconds ?? 0), 0),
  };
}

function mean(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
