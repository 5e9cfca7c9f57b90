import type { DefectRecord } from "../../records/defect.ts";
import type { MeasuredRepair } from "../../records/repair.ts";
import { acceptedShare } from "../acceptance.ts";
import type { ReportData } from "../collect.ts";
import { type Factor, valuesOf } from "../factors.ts";
import { cleanModelsOf, estimateOf } from "../headline.ts";
import type { Cell, Table } from "../tables.ts";
import { BUDGET } from "./criteria-tables.ts";

/** The repairs by one factor: what attack success and clean accuracy are afterwards, and how much fell. */
export function repairTable(
  data: ReportData,
  ways: readonly (Pick<MeasuredRepair, "method" | "using"> & { access: string | null })[],
  factor: Factor,
): Table {
  const { field, title } = factor;
  const records = new Map(data.accepted.map((record) => [record.id, record]));
  return {
    name: `repairs-by-${field}`,
    caption: `Repairs by ${title}`,
    columns: [
      { key: "using", title: "neurons chosen by", kind: "id" },
      { key: "access", title: "which see", kind: "text" },
      { key: "method", title: "method", kind: "text" },
      { key: field, title, kind: "text" },
      { key: "asr_after", title: "after", kind: "level", group: "ASR" },
      { key: "asrd", title: "drop (ASRD)", kind: "level", group: "ASR" },
      { key: "ca_after", title: "after", kind: "level", group: "CA" },
      { key: "cad", title: "drop (CAD)", kind: "level", group: "CA" },
      { key: "cases", title: "defects", kind: "count", group: "mean over" },
      { key: "models", title: "clean models", kind: "count", group: "mean over" },
      { key: "accepted", title: "accepted", kind: "rate", group: "mean over" },
      BUDGET,
    ],
    rows: ways.flatMap(({ method, using, access }) => {
      const done = data.repairs
        .filter((repair) => repair.method === method && repair.using === using)
        .map((repair) => ({ repair, record: records.get(repair.id)! }));
      return valuesOf(factor, data.accepted).flatMap((value): Record<string, Cell>[] => {
        const inside = done.filter(({ record }) => record[field] === value);
        if (inside.length === 0) return [];
        const accepted = acceptedShare(data.candidates.filter((record) => record[field] === value));
        const label = `repair ${method} ${using} ${field} ${value}`;
        return [
          {
            using,
            access,
            method,
            [field]: value,
            ...means(inside, data.manifest.seed, label),
            ...basis(inside),
            accepted,
            budget: data.budget,
          },
        ];
      });
    }),
  };
}

interface Done {
  repair: MeasuredRepair;
  record: DefectRecord;
}

function means(inside: readonly Done[], seed: number, label: string): Record<string, Cell> {
  const of = (name: string, value: (repair: MeasuredRepair) => number) =>
    estimateOf(
      inside.map(({ repair, record }) => ({ record, value: value(repair) })),
      seed,
      `${label} ${name}`,
    );
  return {
    asr_after: of("asr_after", (repair) => repair.asr_after),
    asrd: of("asrd", (repair) => repair.asr_before - repair.asr_after),
    ca_after: of("ca_after", (repair) => repair.ca_after),
    cad: of("cad", (repair) => repair.ca_before - repair.ca_after),
  };
}

function basis(inside: readonly Done[]): Record<string, Cell> {
  return { cases: inside.length, models: cleanModelsOf(inside) };
}
