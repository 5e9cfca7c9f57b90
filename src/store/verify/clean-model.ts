import { z } from "zod";
import { DATASETS } from "../../datasets/registry.ts";
import type { CleanRecord, DatabaseManifest } from "../schema.ts";
import { engineFaults } from "./engine.ts";

/** A clean model's record against its id, its recipe, its data set and the database's manifest. */

const stated = z.looseObject({
  edition: z.string(),
  edition_seed: z.number().int(),
  seed: z.number().int(),
  clean: z.looseObject({ epochs: z.number().int() }),
});

const share = z.number().min(0).max(1);
const count = z.number().int().positive();

/** What the settings of clean training may be. */
const TRAINING: Record<string, z.ZodType> = {
  ...{ epochs: z.number().int().min(0), batch: count, threads: count, learning_rate: z.number().positive() },
  ...{ warmup: share, momentum: share, nesterov: z.boolean(), weight_decay: z.number().min(0), label_smoothing: share },
};

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
  if (known && known.classes.length !== classes.length) {
    faults.push(`'classes' has ${classes.length} names, ${dataset} ${known.classes.length}`);
  } else if (known?.classes.some((name, i) => name !== classes[i])) {
    faults.push(`'classes' are not those of ${dataset}`);
  }
  for (const name of ["mean", "std"] as const) {
    if (known && known.normalization[name].join() !== record[name].join())
      faults.push(`'${name}' is not that of ${dataset}`);
  }
  faults.push(...engineFaults(record.engine));
  if (record.seconds < 0) faults.push("states negative times");
  const read = stated.safeParse(record.recipe);
  if (!read.success) return [...faults, `its recipe lacks '${read.error.issues[0].path.join(".")}'`];
  const { edition, edition_seed, seed, clean } = read.data;
  if (edition !== manifest.edition) faults.push(`its recipe is of edition '${edition}', not '${manifest.edition}'`);
  if (edition_seed !== manifest.seed) faults.push(`its recipe has seed ${edition_seed}, the database ${manifest.seed}`);
  if (seed !== seedOfId) faults.push(`its recipe trains with seed ${seed}, its id says ${seedOfId}`);
  const odd = Object.entries(clean).find(
    ([key, value]) => Object.hasOwn(TRAINING, key) && !TRAINING[key].safeParse(value).success,
  );
  if (odd) faults.push(`its recipe's 'clean.${odd[0]}' is ${JSON.stringify(odd[1])?.slice(0, 80)}`);
  const isWhole = history.length === clean.epochs && history.every(({ epoch }, i) => epoch === i + 1);
  if (!isWhole) faults.push(`'history' is not that of epochs 1 to ${clean.epochs}`);
  if (history.some(({ loss, seconds }) => loss < 0 || seconds < 0)) faults.push("'history' has a negative value");
  return faults;
}
