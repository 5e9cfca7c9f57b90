import { InputError } from "../../core/errors.ts";
import { VERSIONS, type Version } from "../../core/ids.ts";
import { storedHash } from "../../records/defect.ts";
import { isForeignName } from "../../records/foreign.ts";
import type { JudgedItem } from "./select.ts";
import type { DefectSource } from "./workbench.ts";

/** A version of a defect that can be repaired, or a foreign model. */
export interface RepairedItem {
  id: string;
  version: Version;
}

/** As people name it; the infected version is the usual one, and need not be said. */
export function itemName({ id, version }: RepairedItem): string {
  return version === "infected" ? id : `${id}:${version}`;
}

/**
 * A selection as far as it can be repaired. The drift control has no weights of its own that a result could state.
 *
 * @throws InputError on a drift control, and on a version that a defect lacks
 */
export function repairedItems(source: Pick<DefectSource, "readDefect">, items: readonly JudgedItem[]): RepairedItem[] {
  return items.map(({ id, version }) => {
    if (version === "drift") throw notRepaired(id);
    if (!isForeignName(id) && storedHash(source.readDefect(id), version) === null) {
      throw new InputError(`'${id}' has no ${version} version: leave out '${id}:${version}'`);
    }
    return { id, version };
  });
}

/** What to say of a drift control, of which there are no repairs. */
export function notRepaired(id: string): InputError {
  const valid = VERSIONS.map((one) => `:${one}`).join(", ");
  return new InputError(`'${id}:drift': the drift control is derived and not repaired; append ${valid}`);
}
