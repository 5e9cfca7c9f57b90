import { statSync } from "node:fs";
import { countNeurons } from "../../core/neurons.ts";
import { type DefectRow, emptyRow } from "../../records/defect-row.ts";
import { FOREIGN, type ForeignRecord, foreignGroup } from "../../records/foreign.ts";
import { parseArchIn } from "../../tasks/architectures.ts";
import { ARCHITECTURES } from "../../tasks/classification/models/registry.ts";
import type { Database } from "../database.ts";
import { withPath } from "../disk/fs.ts";
import { foreignLayers } from "./layers.ts";
import { foreignPath, listForeign, readForeign } from "./records.ts";

/** The catalog's row of a foreign model: what its files tell; all else is unknown. */
export function foreignRow(record: ForeignRecord): DefectRow {
  const { id, dataset, arch, attack, level, top, fits, infected } = record;
  return {
    ...emptyRow({ id, group_id: foreignGroup(id), dataset, arch, attack, status: FOREIGN }),
    ...{ level, top },
    width: fits === null ? null : parseArchIn(ARCHITECTURES, fits).baseWidth,
    neurons: foreignLayers(record)?.reduce((sum, layer) => sum + layer.width, 0) ?? null,
    infected: infected && countNeurons(infected),
    reason: fits === null ? "fits no architecture of ours" : null,
  };
}

/** Rows of all sound foreign models, by id. @throws InputError on a damaged record where nobody listens for damage */
export function foreignRows(db: Database): DefectRow[] {
  return listForeign(db).flatMap((id) => db.sound(() => foreignRow(readForeign(db, id))) ?? []);
}

/** Names, sizes and times of the records, a line each. */
export function foreignPrints(db: Database): string[] {
  return listForeign(db).map((id) => {
    const path = foreignPath(db, id);
    const found = withPath(path, () => statSync(path, { bigint: true, throwIfNoEntry: false }));
    return `${id} ${found?.size} ${found?.mtimeNs}`;
  });
}
