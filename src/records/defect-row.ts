import type { DefectMetrics, DefectRecord } from "./defect.ts";
import { DEFECT_METRIC_KEYS, DEFECT_METRICS, type DefectMetric, type DefectMetricKey } from "./metrics.ts";
import { numberFields } from "./table-fields.ts";

type CataloguedMetric = {
  [K in DefectMetricKey]: (typeof DEFECT_METRICS)[K] extends { uncatalogued: true } ? never : K;
}[DefectMetricKey];

const CATALOGUED = DEFECT_METRIC_KEYS.filter(
  (key): key is CataloguedMetric => !(DEFECT_METRICS[key] as DefectMetric).uncatalogued,
);

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
  ...numberFields(CATALOGUED),
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
    ...(Object.fromEntries(CATALOGUED.map((key) => [key, metrics[key]])) as Pick<DefectMetrics, CataloguedMetric>),
    neurons: record.neurons,
    infected: record.infected,
    effective: record.effective,
    delta_bytes: record.infected_model?.bytes ?? null,
    seconds: record.seconds,
  };
}
