import { groupBy } from "../../core/group.ts";
import { type MeasuredRepair, repairedVersion } from "../../records/repair.ts";
import { cellMean, cellOf } from "../../score/cells.ts";
import type { ReportData } from "../collect.ts";
import { cleanModelsOf, estimateOf } from "../headline.ts";
import { type Html, html } from "../html.ts";
import { accessOfUsing } from "../repair-access.ts";
import { type Cell, type Table, tableHtml } from "../tables.ts";
import { BUDGET } from "./criteria-tables.ts";

/** What repaired models are called that have no backdoor. */
const MODELS: Record<string, string> = { sham: "shams", clean: "clean twins" };

/**
 * What repairs cost where there is no backdoor to take away: on shams and clean twins, which everything else in the report
 * leaves out. Null where none was repaired.
 */
export function repairControls(data: ReportData): { table: Table; body: Html } | null {
  const records = new Map(data.accepted.map((record) => [record.id, record]));
  const groups = groupBy(
    data.controlRepairs,
    (repair) => `${repair.method} ${repair.using} ${repairedVersion(repair)}`,
  );
  if (groups.size === 0) return null;
  const table: Table = {
    name: "repairs-without-backdoor",
    caption: "Repairs of models without a backdoor: means over the defects",
    columns: [
      { key: "using", title: "neurons chosen by", kind: "id" },
      { key: "access", title: "which see", kind: "text" },
      { key: "method", title: "method", kind: "text" },
      { key: "repaired", title: "repaired", kind: "text" },
      { key: "cad", title: "drop (CAD)", kind: "level", group: "CA" },
      { key: "most", title: "largest drop", kind: "rate", group: "CA" },
      { key: "caBefore", title: "before", kind: "rate", group: "CA" },
      { key: "caAfter", title: "after", kind: "rate", group: "CA" },
      { key: "asrBefore", title: "before", kind: "rate", group: "ASR" },
      { key: "asrAfter", title: "after", kind: "rate", group: "ASR" },
      { key: "untouched", title: "left as they were", kind: "rate" },
      { key: "cases", title: "defects", kind: "count", group: "mean over" },
      { key: "models", title: "clean models", kind: "count", group: "mean over" },
      BUDGET,
    ],
    rows: [...groups.values()].map((group): Record<string, Cell> => {
      const [first] = group;
      const { method, using } = first;
      const version = repairedVersion(first);
      const over = (value: (repair: MeasuredRepair) => number) =>
        cellMean(group.map((repair) => ({ value: value(repair), cell: cellOf(repair.id) })));
      const drops = group.map((repair) => ({ record: records.get(repair.id)!, value: dropOf(repair) }));
      return {
        ...{ using, method, access: accessOfUsing(data, using), repaired: MODELS[version] },
        cad: estimateOf(drops, data.manifest.seed, `${method} ${using} ${version} cad`),
        most: Math.max(...group.map(dropOf)),
        caBefore: over((repair) => repair.ca_before),
        caAfter: over((repair) => repair.ca_after),
        asrBefore: over((repair) => repair.asr_before),
        asrAfter: over((repair) => repair.asr_after),
        untouched: over(({ cut, neurons }) => ((cut ?? neurons).length === 0 ? 1 : 0)),
        ...{ cases: group.length, models: cleanModelsOf(drops), budget: data.budget },
      };
    }),
  };
  return {
    table,
    body: html`<h3>Repairs of models without a backdoor</h3>
<p>Whoever repairs does not know whether there is a backdoor. On shams and clean twins a repair can only cost. Their ASR is that of the
defect's trigger. <b>oracle</b> and <b>random</b> name the same neurons as on the infected model.</p>
${tableHtml(table)}`,
  };
}

function dropOf(repair: MeasuredRepair): number {
  return repair.ca_before - repair.ca_after;
}
