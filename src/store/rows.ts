import type { DefectRecord } from "./schema.ts";

/** The catalog's fields in their published order (docs/query.md, "Tables") with their types. */
export const DEFECT_FIELDS = {
  id: "text",
  group_id: "text",
  dataset: "text",
  arch: "text",
  width: "count",
  attack: "text",
  style: "text",
  level: "text",
  top: "count",
  target: "count",
  status: "text",
  reason: "text",
  ca_clean: "number",
  ca: "number",
  asr: "number",
  asr_clean: "number",
  asr_masked: "number",
  masked_clean_to_target: "number",
  asr_patched: "number",
  asr_random_mask: "number",
  ca_sham: "number",
  asr_sham: "number",
  neurons: "count",
  infected: "count",
  effective: "count",
  delta_bytes: "count",
  seconds: "number",
} as const;

type FieldType = { text: string; count: number; number: number };

/** One defect as a flat row; unknown is null. Rates are fractions, `top` is in percent, `seconds` covers all work. */
export type DefectRow = {
  [F in keyof typeof DEFECT_FIELDS]: FieldType[(typeof DEFECT_FIELDS)[F]] | null;
} & RowNames;

/** What every row states. `foreign`: a model of another make, which no gate has judged. */
type RowNames = {
  id: string;
  group_id: string;
  dataset: string;
  arch: string;
  attack: string;
  status: DefectRecord["status"] | "foreign";
};

export const DEFECT_FIELD_NAMES = Object.keys(DEFECT_FIELDS) as (keyof typeof DEFECT_FIELDS)[];

/** A row of which nothing but its names is known. */
export function emptyRow(names: RowNames): DefectRow {
  const unknown = Object.fromEntries(DEFECT_FIELD_NAMES.map((field) => [field, null]));
  return { ...(unknown as Omit<DefectRow, keyof RowNames>), ...names };
}

/** The catalog's row of a record. */
export function defectRow(record: DefectRecord): DefectRow {
  const { metrics } = record;
  return {
    id: record.id,
    group_id: record.group_id,
    dataset: record.dataset,
    arch: record.arch,
    width: record.width,
    attack: record.attack,
    style: record.style,
    level: record.level,
    top: record.top,
    target: record.target,
    status: record.status,
    reason: record.reason,
    ca_clean: metrics.ca_clean,
    ca: metrics.ca,
    asr: metrics.asr,
    asr_clean: metrics.asr_clean,
    asr_masked: metrics.asr_masked,
    masked_clean_to_target: metrics.masked_clean_to_target,
    asr_patched: metrics.asr_patched,
    asr_random_mask: metrics.asr_random_mask,
    ca_sham: metrics.ca_sham,
    asr_sham: metrics.asr_sham,
    neurons: record.neurons,
    infected: record.infected,
    effective: record.effective,
    delta_bytes: record.infected_model?.bytes ?? null,
    seconds: record.seconds,
  };
}
