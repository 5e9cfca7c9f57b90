import { z } from "zod";
import type { CleanRecord } from "../../../records/clean.ts";
import type { DatabaseManifest } from "../../../records/database.ts";
import { DATASETS, taskOfDataset } from "../../../tasks/registry.ts";
import { engineFaults } from "./engine.ts";
import { cleanRecipeFaults } from "./recipe.ts";
import { secondsFaults } from "./seconds.ts";

/** A clean model's record against its id, its recipe, its data set and the database's manifest. */

const stated = z.looseObject({
  edition: z.string(),
  edition_seed: z.number().int(),
  seed: z.number().int(),
  clean: z.looseObject({ epochs: z.number().int(), from: z.string().optional(), least_ca: z.number().optional() }),
});

/** @returns one line per field that does not fit */
export function cleanFaults(record: CleanRecord, manifest: Pick<DatabaseManifest, "edition" | "seed">): string[] {
  const { id, dataset, arch, classes, mean, std, history } = record;
  const faults: string[] = [];
  const seedOfId = Number(/-s(\d+)$/.exec(id)?.[1]);
  if (id !== `clean/${dataset}-${arch}-s${seedOfId}`) {
    faults.push(`its id does not fit its data set '${dataset}' and architecture '${arch}'`);
  }
  for (const [name, values] of Object.entries({ mean, std })) {
    if (values.length !== 3) faults.push(`'${name}' has ${values.length} values, not 3`);
  }
  if (mean.some((value) => value < 0 || value > 1)) faults.push("'mean' is outside 0 to 1");
  if (std.some((value) => value <= 0 || value > 1)) faults.push("'std' is not above 0 and at most 1");
  if (new Set(classes).size !== classes.length || classes.some((name) => name.trim() === "")) {
    faults.push("'classes' has an empty name or one twice");
  }
  const known = DATASETS.get(dataset);
  const targets = known && taskOfDataset(dataset).targets(known);
  if (targets && targets.length !== classes.length) {
    faults.push(`'classes' has ${classes.length} names, ${dataset} ${targets.length}`);
  } else if (targets?.some((name, i) => name !== classes[i])) {
    faults.push(`'classes' are not those of ${dataset}`);
  }
  for (const name of ["mean", "std"] as const) {
    if (known && known.normalization[name].join() !== record[name].join())
      faults.push(`'${name}' is not that of ${dataset}`);
  }
  const epochs = Object.fromEntries(history.map(({ seconds }, i) => [i, seconds]));
  faults.push(...engineFaults(record.engine), ...secondsFaults(record.seconds, epochs, "epochs"));
  const read = stated.safeParse(record.recipe);
  if (!read.success) return [...faults, `its recipe lacks '${read.error.issues[0].path.join(".")}'`];
  const { edition, edition_seed, seed, clean } = read.data;
  if (edition !== manifest.edition) faults.push(`its recipe is of edition '${edition}', not '${manifest.edition}'`);
  if (edition_seed !== manifest.seed) faults.push(`its recipe has seed ${edition_seed}, the database ${manifest.seed}`);
  if (seed !== seedOfId) faults.push(`its recipe trains with seed ${seed}, its id says ${seedOfId}`);
  faults.push(...cleanRecipeFaults(record));
  if (clean.from !== record.from?.sha256) faults.push("'from' is not of the folder that its recipe states");
  if (record.metrics.ca < (clean.least_ca ?? 0)) faults.push(`'metrics.ca' is below its recipe's ${clean.least_ca}`);
  const isWhole = history.length === clean.epochs && history.every(({ epoch }, i) => epoch === i + 1);
  if (!isWhole) faults.push(`'history' is not that of epochs 1 to ${clean.epochs}`);
  if (history.some(({ loss }) => loss < 0)) faults.push("'history' has a negative value");
  return faults;
}
