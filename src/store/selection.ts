import { suggestion } from "../core/closest.ts";
import { InputError } from "../core/errors.ts";
import { exists } from "./fs.ts";
import type { DefectRow } from "./rows.ts";

/**
 * The rows that names pick: ids and group names in any mix, each row once, in the order given; no name picks all.
 * @throws InputError on a name that is neither
 */
export function pickRows(rows: DefectRow[], names: string[]): DefectRow[] {
  if (names.length === 0) return rows;
  const picked = new Set<DefectRow>();
  for (const name of names) {
    const found = rows.filter((row) => row.id === name || row.group_id === name);
    if (found.length === 0) {
      throw noSuchName(
        name,
        rows.flatMap(({ id, group_id }) => [group_id, id]),
      );
    }
    for (const row of found) picked.add(row);
  }
  return [...picked];
}

/** @param names ids and groups that there are */
export function noSuchName(name: string, names: Iterable<string>): InputError {
  if (exists(name)) {
    return new InputError(
      `'${name}' is a file or folder, no defect; 'bdefects inspect FILE' looks at a network of your own`,
    );
  }
  return new InputError(
    `no defect or group '${name}'${suggestion(name, new Set(names))}; 'bdefects ids' and 'bdefects groups' list what there is`,
  );
}
