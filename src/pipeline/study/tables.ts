import { join } from "node:path";
import type { RepairFile } from "../../records/repair.ts";
import { studyRecordName, studyTable } from "../../records/study.ts";
import { REPAIR_FIELDS, SCORE_FIELDS } from "../../records/table-fields.ts";
import { type RankingRow, rankCriteria, rankingRow } from "../../report/ranking.ts";
import type { ScoreRow } from "../../score/score.ts";
import type { Database } from "../../store/database.ts";
import { readBytes } from "../../store/disk/fs.ts";
import { sha256Of } from "../../store/objects/objects.ts";
import type { ResultStore } from "../../store/results/result-folder.ts";
import type { Results } from "../../store/results/results.ts";
import { type FlatTable, replaceTables } from "../../store/sql/table-files.ts";
import { packageVersion } from "../../store/version.ts";
import { repairRow } from "../judging/repair.ts";
import { scoreAll } from "../judging/score.ts";
import type { StudyTask } from "./plan.ts";
import type { Study } from "./recipe.ts";

export interface CellFailure {
  cell: string;
  reason: string;
}

export interface StudyResults {
  scores: ScoreRow[];
  /** Criteria by the headline, as `score --summary` prints them. */
  summary: RankingRow[];
  repairs: RepairFile[];
}

/** Scores and repairs of a study's finished cells; what an earlier run or another program left is not among them. */
export async function studyResults(
  database: Database,
  results: Results,
  tasks: readonly StudyTask[],
): Promise<StudyResults> {
  const scores: ScoreRow[] = [];
  const repairs: RepairFile[] = [];
  for (const { id, versions, cells, criteria, repairs: ways } of tasks) {
    // In the order in which the plan lists them: of each network what applies to it.
    const finished = cells.map((cell) => cell.finished !== null);
    for (const [v, version] of versions.entries()) {
      const names = criteria.filter((_, c) => finished[v * criteria.length + c]);
      scores.push(...(await scoreAll(database, results, [{ id, version }], names)));
    }
    for (const [w, { method, using, version }] of ways.entries()) {
      if (!finished[versions.length * criteria.length + w]) continue;
      repairs.push(results.repair(method, using, id, version)!);
    }
  }
  const accepted = tasks.map(({ id }) => database.readDefect(id));
  const summary = rankCriteria({ scores, accepted, seed: database.manifest.seed }).map(rankingRow);
  return { scores, summary, repairs };
}

/** Where a study's results lie. */
export interface StudyPlace {
  store: ResultStore;
  /** The store's folder. */
  folder: string;
  /** On the same file system. */
  tmp: string;
}

/** Writes `<study>.<table>.parquet` and then the study's record, which states their hashes. */
export async function writeStudy(
  { store, folder, tmp }: StudyPlace,
  { recipe }: Study,
  tasks: readonly StudyTask[],
  found: StudyResults,
  failures: readonly CellFailure[],
): Promise<void> {
  const { study: name } = recipe;
  // Tables without a record are known to be unfinished; with an old one they would look damaged.
  store.dropResult(studyRecordName(name));
  const tables = tablesOf(found);
  const named = tables.map((table) => ({ ...table, name: `${name}.${table.name}` }));
  const counts = await replaceTables(folder, "parquet", named, tmp);
  store.writeResult(studyRecordName(name), {
    kind: "study",
    name,
    package_version: packageVersion(),
    recipe: { ...recipe },
    cells: tasks.reduce((sum, { cells }) => sum + cells.length, 0),
    failures: [...failures],
    tables: tables.map((table, i) => {
      const file = studyTable(name, table.name);
      return { file, rows: counts[i], sha256: sha256Of(readBytes(join(folder, file))) };
    }),
  });
}

function tablesOf({ scores, repairs }: StudyResults): FlatTable[] {
  return [
    { name: "scores", columns: SCORE_FIELDS, rows: scores.map((row) => ({ ...row })) },
    { name: "repairs", columns: REPAIR_FIELDS, rows: repairs.map(repairRow) },
  ];
}
