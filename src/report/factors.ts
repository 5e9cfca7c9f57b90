import { distinct } from "../core/group.ts";
import { LEVELS, STYLES } from "../core/ids.ts";
import type { DefectRecord } from "../records/defect.ts";

/** What defects are divided by in a table. */
export interface Factor {
  /** As in the catalog. */
  field: "level" | "attack" | "arch" | "dataset" | "style";
  title: string;
}

export const FACTORS: readonly Factor[] = [
  { field: "level", title: "level" },
  { field: "attack", title: "attack" },
  { field: "arch", title: "architecture" },
  { field: "dataset", title: "data set" },
  { field: "style", title: "style" },
];

const ORDERS: Partial<Record<Factor["field"], readonly string[]>> = { level: LEVELS, style: STYLES };

/** The values of a factor that the records have, smaller defects first, else by name. */
export function valuesOf({ field }: Factor, records: readonly DefectRecord[]): string[] {
  const found = distinct(records.map((record) => record[field]));
  return ORDERS[field]?.filter((value) => found.includes(value)) ?? found.sort();
}
