import { InputError, lookup } from "../../core/errors.ts";
import type { Database } from "../../store/database.ts";
import { DATASETS } from "../../tasks/registry.ts";
import type { StudyTask } from "./plan.ts";
import type { Study } from "./recipe.ts";

/** What of a study cannot be judged here. */
export interface MissingData {
  /** Ids of the defects whose data set is missing. */
  absent: ReadonlySet<string>;
  /** Of each such data set, how many defects wait for it and why. */
  notes: string[];
}

export const NONE_MISSING: MissingData = { absent: new Set(), notes: [] };

/**
 * The defects that cannot be judged, since the data folder has nothing of their data set. Where that is so of every defect of the study,
 * none is named: then the first one's judging ends it with the reason.
 *
 * @param tasks all of the study
 */
export async function missingData(
  database: Pick<Database, "readDefect">,
  { criteria }: Pick<Study, "criteria">,
  tasks: readonly StudyTask[],
  dataDir: string,
): Promise<MissingData> {
  const reading = new Set(criteria.filter(({ needsData }) => needsData).map(({ name }) => name));
  const open = tasks.filter(({ cells }) => cells.some(({ finished }) => finished === null));
  const waiting = new Map<string, string[]>();
  for (const { id, criteria: own, repairs } of open) {
    if (repairs.length === 0 && !own.some((name) => reading.has(name))) continue;
    const { dataset } = database.readDefect(id);
    waiting.set(dataset, [...(waiting.get(dataset) ?? []), id]);
  }
  const absent = new Set<string>();
  const notes: string[] = [];
  for (const [dataset, ids] of waiting) {
    const reason = await whyMissing(dataset, dataDir);
    if (reason === null) continue;
    for (const id of ids) absent.add(id);
    notes.push(`${ids.length} of ${tasks.length} defects left out: ${reason}`);
  }
  return absent.size === tasks.length ? NONE_MISSING : { absent, notes };
}

/** Why nothing of a data set can be read; null where files of it are there, or it needs none. Files that are there are not read. */
async function whyMissing(name: string, dataDir: string): Promise<string | null> {
  const definition = lookup(DATASETS, "data set", name);
  if (definition.layouts.length === 0 || definition.find(dataDir).length > 0) return null;
  try {
    await definition.load({ dataDir, seed: 0 });
    return null;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}
