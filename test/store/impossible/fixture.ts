import { join } from "node:path";
import { judgedDatabase } from "../../report/fixture.ts";
import type { Files } from "./forge.ts";

/** A small judged database with a rejected and a duplicate candidate. @returns its files by what they are */
export async function smallDatabase(dir: string): Promise<Files> {
  const sample = await judgedDatabase(dir, { count: 2 });
  const [{ id, group_id, clean }] = sample.accepted;
  const defect = (name: string) => join("defects", group_id, name);
  return {
    record: `${defect(id)}.json`,
    labels: `${defect(id)}.labels.json`,
    clean: `${clean}.json`,
    prediction: `results/localize/clp/${id}.infected.json`,
    oracle: `results/repair/prune/oracle/${id}.json`,
    repair: `results/repair/prune/random/${id}.json`,
    rejected: `${defect(`${group_id}-large-top040`)}.json`,
    duplicate: `${defect(`${group_id}-narrow-top005`)}.json`,
    manifest: "database.json",
  };
}
