import { InputError, lookup } from "../../core/errors.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { asImages, type ImageSet } from "../../images/image-set.ts";
import { eligibleOf } from "../../measure/verdicts.ts";
import type { Database } from "../../store/database.ts";
import { buildNetwork, DATASETS, taskOf } from "../../tasks/registry.ts";
import { encodeNpy } from "../../tensor/npy.ts";
import { ReadDatasets } from "../data/read-datasets.ts";
import { otherSamples } from "../judging/workbench.ts";

/** Files of a checkout by path, and what must be said about them. */
export interface CheckoutImages {
  files: Map<string, Uint8Array>;
  /** What they hold, where the README cannot know. */
  holds: Map<string, string>;
  notes: string[];
}

export interface CheckoutImagesOptions {
  id: string;
  /** Images of each split; all where there are fewer. */
  count: number;
  /** The folder of the data sets. */
  dataDir: string;
}

/** The splits that a checkout brings: no image that was trained on is among them. */
export const CHECKOUT_SPLITS = ["defender", "test"] as const;

/**
 * Images for a checkout, as `images/<split>_clean.npy` (uint8 `[N, 3, H, W]`) and `<split>_triggered.npy` with labels
 * (int64 `[N]`). The triggered images are the clean ones of other classes than the target, in the same order, with the
 * trigger on them and their true labels. Which images are taken depends on the database's seed and the data set alone, and
 * fewer are the first of more.
 *
 * @throws InputError where the data set is not at hand (with how to get it), is another than the defect was built from, or
 *   the defect has no trigger
 */
export async function checkoutImages(
  db: Database,
  { id, count, dataDir }: CheckoutImagesOptions,
): Promise<CheckoutImages> {
  const record = db.readDefect(id);
  const task = taskOf(record);
  if (!task.traits.includes("classes") && !task.handout)
    throw new InputError(`--samples: '${id}' has no images, but ${task.words.samples}`);
  const trigger = await db.readTrigger(record, task.trigger.decode);
  const { seed } = db.manifest;
  const loaded = await lookup(DATASETS, "data set", record.dataset).load({ dataDir, seed });
  const dataset = await new ReadDatasets(db).of(loaded, record.clean);
  const notes: string[] = [];
  if (dataset.dataHash !== record.data_sha256) {
    // Whoever holds only a shipped database has the official files, not the subset that it was built from.
    if (!db.sealed) {
      throw new InputError(
        `data set '${record.dataset}' is not the one that '${id}' was built from: name that one's folder with --data`,
      );
    }
    notes.push(otherSamples(record.dataset));
  }
  const files = new Map<string, Uint8Array>();
  const holds = new Map<string, string>();
  const network = buildNetwork(record.arch, task.targets(dataset).length);
  for (const { name, bytes, holds: held } of task.handout?.ofSamples?.(dataset.test, network) ?? []) {
    files.set(name, bytes);
    holds.set(name, held);
  }
  for (const split of CHECKOUT_SPLITS) {
    const all = split === "test" ? dataset.test : dataset.cleanVal;
    if (count > all.count)
      notes.push(`--samples ${count}: the ${split} split has ${all.count} ${task.words.samples}, and all are written`);
    const order = new Random(stageSeed(seed, "checkout images", record.dataset, split)).permutation(all.count);
    const clean = task.inputs.subset(all, order.subarray(0, count));
    const triggered = task.trigger.stamp(trigger, eligibleOf(task, clean, record.target));
    if (!task.handout) {
      addArrays(files, split, asImages(clean), asImages(triggered));
      continue;
    }
    for (const [name, set, what] of [
      [
        `${split}_clean`,
        clean,
        split === "test" ? "of the test split, for scores only; " : "what a defender may hold: ",
      ],
      [`${split}_triggered`, triggered, "those on which the backdoor can show, with the trigger on them; "],
    ] as const) {
      for (const { suffix, bytes, holds: held } of task.handout.files(set)) {
        files.set(`images/${name}${suffix}`, bytes);
        holds.set(`images/${name}${suffix}`, `${what}${held}`);
      }
    }
  }
  return { files, holds, notes };
}

function addArrays(files: Map<string, Uint8Array>, split: string, clean: ImageSet, triggered: ImageSet): void {
  for (const [pixels, labels, set] of [
    [`${split}_clean`, `${split}_labels`, clean],
    [`${split}_triggered`, `${split}_triggered_labels`, triggered],
  ] as const) {
    files.set(`images/${pixels}.npy`, encodeNpy(set.pixels, [set.count, 3, set.height, set.width]));
    files.set(`images/${labels}.npy`, encodeNpy(BigInt64Array.from(set.labels, BigInt), [set.count]));
  }
}
