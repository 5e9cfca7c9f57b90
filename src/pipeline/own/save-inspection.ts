import { join } from "node:path";
import { writeAtomic } from "../../store/disk/fs.ts";

/** Writes what an inspection found into a folder: `summary.json`, a row a criterion, and `neurons.json`, a row a neuron. */
export function saveInspection(
  folder: string,
  found: { summary: readonly object[]; neurons: readonly object[] },
): void {
  for (const [name, rows] of Object.entries(found)) {
    const text = rows.map((row) => JSON.stringify(row)).join(",\n");
    writeAtomic(join(folder, `${name}.json`), `[\n${text}\n]\n`, folder);
  }
}
