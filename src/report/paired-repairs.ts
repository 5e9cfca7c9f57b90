import { groupBy } from "../core/group.ts";
import type { MeasuredRepair } from "../records/repair.ts";
import type { ReportData } from "./collect.ts";
import { cleanModelsOf, estimateOf } from "./headline.ts";
import { sharedDefects } from "./ranking.ts";
import { accessOfUsing } from "./repair-access.ts";
import type { Estimate } from "./tables.ts";

/** What one choice of neurons gains and costs. */
export interface PairedWay {
  using: string;
  /** What whoever chose the neurons had seen. */
  access: string | null;
  /** Attack success and clean accuracy that the repair takes away. */
  asrd: Estimate;
  cad: Estimate;
}

/** Choices of neurons for one repair, all of them on the same defects. */
export interface PairedRepairs {
  method: string;
  defects: number;
  models: number;
  ways: PairedWay[];
}

/**
 * Repairs that may be held against each other: inside one method, and on the defects that all of these choices were made
 * for. Choices that were made for much fewer defects are left out.
 */
export function pairedRepairs(data: Pick<ReportData, "repairs" | "scores" | "accepted" | "manifest">): PairedRepairs[] {
  const records = new Map(data.accepted.map((record) => [record.id, record]));
  return [...groupBy(data.repairs, ({ method }) => method)].map(([method, done]) => {
    const byUsing = groupBy(done, ({ using }) => using);
    const { members, common } = sharedDefects(
      [...byUsing].map(([name, repairs]) => ({ name, ids: repairs.map(({ id }) => id) })),
    );
    const ways = [...byUsing].flatMap(([using, repairs]): PairedWay[] => {
      if (!members.has(using)) return [];
      const shared = repairs.filter(({ id }) => common.has(id));
      const over = (name: string, value: (repair: MeasuredRepair) => number) =>
        estimateOf(
          shared.map((repair) => ({ record: records.get(repair.id)!, value: value(repair) })),
          data.manifest.seed,
          `${method} ${using} ${name}`,
        )!;
      return [
        {
          using,
          access: accessOfUsing(data, using),
          asrd: over("asrd", (repair) => repair.asr_before - repair.asr_after),
          cad: over("cad", (repair) => repair.ca_before - repair.ca_after),
        },
      ];
    });
    const shared = [...common].map((id) => ({ record: records.get(id)! }));
    return { method, defects: common.size, models: cleanModelsOf(shared), ways };
  });
}
