import { type DefectKey, defectId, groupId, type Level } from "../../src/core/ids.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import type { MeasuredRepair } from "../../src/records/repair.ts";
import type { ReportData } from "../../src/report/collect.ts";
import { rankCriteria } from "../../src/report/ranking.ts";
import type { ScoreRow } from "../../src/score/score.ts";

/** What the report's analyses read, without a database: `models` clean models with a defect per attack, level and style. */
export interface Plan {
  models: number;
  attacks?: readonly string[];
  levels?: readonly Level[];
  styles?: readonly DefectKey["style"][];
  /** WJI of a criterion on a defect; null: not judged. `sham` 0 unless `shams` says. */
  criteria?: Record<string, (record: DefectRecord, model: number) => number | null>;
  shams?: Record<string, (record: DefectRecord, model: number) => number | null>;
  access?: Record<string, string>;
  /** ASRD by `METHOD USING`. */
  repairs?: Record<string, (record: DefectRecord, model: number) => number>;
}

type Synthetic = Pick<ReportData, "accepted" | "candidates" | "scores" | "repairs" | "manifest" | "ranking" | "budget">;

const DATASETS = ["cifar10", "cifar100", "gtsrb"];
const ARCHS = ["resnet18w8", "vgg13w8", "vgg16w8", "googlenetw8"];

export function synthetic({
  models,
  attacks = ["badnets", "sra"],
  levels = ["narrow", "small", "large"],
  styles = ["plain"],
  criteria = {},
  shams = {},
  access = {},
  repairs = {},
}: Plan): Synthetic {
  const made = Array.from({ length: models }, (_, model) => model).flatMap((model) => {
    const [dataset, arch] = [DATASETS[model % 3], ARCHS[Math.floor(model / 3) % 4]];
    // A group has one clean model per twelve here, told apart by the offset.
    const top = 5 * Math.floor(model / 12);
    return attacks.flatMap((attack) =>
      levels.flatMap((level) =>
        styles.map((style) => {
          const key: DefectKey = { dataset, arch, attack, level, top, style };
          const identity = { ...key, id: defectId(key), group_id: groupId(key) };
          const clean = `clean/${dataset}-${arch}-s${top}`;
          return { model, record: { ...identity, clean, status: "accepted" } as unknown as DefectRecord };
        }),
      ),
    );
  });
  const scores = Object.entries(criteria).flatMap(([criterion, of]) =>
    made.flatMap(({ record, model }) => [
      ...rowsOf(record, "infected", criterion, access[criterion] ?? "clean", of(record, model)),
      ...rowsOf(
        record,
        "sham",
        criterion,
        access[criterion] ?? "clean",
        (shams[criterion] ?? (() => 0))(record, model),
      ),
    ]),
  );
  const accepted = made.map(({ record }) => record);
  return {
    budget: "short",
    ranking: rankCriteria({ scores, accepted, seed: 1 }),
    accepted,
    candidates: [...accepted, ...accepted.map((record) => ({ ...record, status: "rejected" as const }))],
    scores,
    repairs: Object.entries(repairs).flatMap(([way, of]) =>
      made.map(({ record, model }): MeasuredRepair => {
        const [method, using] = way.split(" ");
        const after = { asr_before: 1, asr_after: 1 - of(record, model), ca_before: 0.9, ca_after: 0.8 };
        return { id: record.id, method, using, neurons: [], seconds: 1, ...after } as unknown as MeasuredRepair;
      }),
    ),
    manifest: { seed: 1 } as ReportData["manifest"],
  };
}

function rowsOf(record: DefectRecord, version: string, criterion: string, access: string, wji: number | null) {
  if (wji === null) return [];
  const rest = {
    k: 4,
    jaccard: wji,
    precision: wji,
    recall: wji,
    auroc: 0.5 + wji / 2,
    ap: wji,
    exam: 0.1,
    seconds: 1,
  };
  return (["full", "effective"] as const).flatMap((truth) =>
    (
      [
        ["native", null],
        ["topk", "global"],
        ["topk", "layer"],
      ] as const
    ).map(([protocol, quota]): ScoreRow => {
      return { id: record.id, version, criterion, access, budget: "short", truth, protocol, quota, wji, ...rest };
    }),
  );
}
