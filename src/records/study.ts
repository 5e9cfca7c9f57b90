import { z } from "zod";
import { sha256 } from "./fields.ts";

/** What a study may be called. */
export const STUDY_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

const FOLDER = "study";

/** A study that ran to its end: what was asked, what failed, and the tables made of it. */
export const studyFile = z.strictObject({
  kind: z.literal("study"),
  name: z.string().regex(STUDY_NAME),
  package_version: z.string(),
  /** As the recipe file has it. */
  recipe: z.record(z.string(), z.unknown()),
  cells: z.number().int(),
  failures: z.array(z.strictObject({ cell: z.string(), reason: z.string() })),
  tables: z.array(
    z.strictObject({
      /** Below `results/`. */
      file: z.string(),
      rows: z.number().int(),
      sha256: sha256,
    }),
  ),
});
export type StudyFile = z.infer<typeof studyFile>;

/** Under which a study's record is stored, below `results/` and without `.json`. */
export function studyRecordName(study: string): string {
  return `${FOLDER}/${study}`;
}

/** `results/<study>.<table>.parquet`, below `results/`. */
export function studyTable(study: string, table: string): string {
  return `${study}.${table}.parquet`;
}

/** Whether a file of `results/` is a study's record. */
export function isStudyRecord(parts: readonly string[]): boolean {
  return parts[1] === FOLDER && parts.length === 3;
}
