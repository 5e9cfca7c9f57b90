import { suggestion } from "../../core/closest.ts";
import { InputError } from "../../core/errors.ts";
import type { DefectRow } from "../../records/defect-row.ts";
import { exists } from "../disk/fs.ts";

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

/**
 * Holds a mistyped id against those that there are. One that is like none is left to be explained by its pattern.
 *
 * @param groupOf the group of an id, where groups may be named too
 * @throws InputError that suggests the nearest
 */
export function assertKnownDefect(db: { listDefects(): string[] }, id: string, groupOf?: (id: string) => string): void {
  const ids = db.listDefects();
  if (ids.includes(id)) return;
  const member = groupOf ? undefined : ids.find((other) => other.startsWith(`${id}-`));
  if (member && id.split("-").length === 3)
    throw new InputError(`'${id}' is a group; name one of its defects, e.g. '${member}'`);
  const near = suggestion(id, groupOf ? [...ids.map(groupOf), ...ids] : ids);
  if (near !== "") throw new InputError(`no defect ${groupOf ? "or group " : ""}'${id}'${near}`);
}

/** @param names ids and groups that there are */
export function noSuchName(name: string, names: Iterable<string>): InputError {
  if (exists(name)) {
    return new InputError(
      `'${name}' is a file or folder, no defect; 'bdefects inspect FILE' looks at a network of your own`,
    );
  }
  return new InputError(
    `no defect or group '${name}'${suggestion(name, names)}; 'bdefects ids' and 'bdefects groups' list what there is`,
  );
}
