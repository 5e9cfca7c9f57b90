import { stampSet } from "../../attacks/stamp.ts";
import type { Trigger } from "../../attacks/types.ts";
import { InputError, lookup } from "../../core/errors.ts";
import { subset } from "../../datasets/batch.ts";
import { DATASETS } from "../../datasets/registry.ts";
import type { Dataset } from "../../datasets/types.ts";
import type { Database } from "../../store/database.ts";
import type { DefectRecord } from "../../store/schema.ts";
import type { ReportData } from "../collect.ts";
import { imagePng, pictureHtml, triggerPng } from "../figures/picture.ts";
import { groupBy } from "../group.ts";
import { type Html, html } from "../html.ts";
import type { Section } from "../section.ts";

const PAIRS = 8;
const TRIGGERS = 4;

export interface GalleryOptions {
  dataDir: string;
  /** Told why there are no pictures of a data set. */
  warn(message: string): void;
}

/** Test images as they are and with the trigger. */
export async function gallery(database: Database, data: ReportData, options: GalleryOptions): Promise<Section> {
  const triggers = groupBy(
    data.accepted.filter(({ trigger }) => trigger !== null),
    ({ dataset, target, trigger }) => `${dataset} ${target} ${trigger?.object}`,
  );
  const blocks: Html[] = [];
  const datasets = new Map<string, Dataset | null>();
  for (const records of [...triggers.values()].slice(0, TRIGGERS)) {
    const [record] = records;
    if (!datasets.has(record.dataset)) datasets.set(record.dataset, await loadDataset(record, data, options));
    const dataset = datasets.get(record.dataset)!;
    blocks.push(triggerBlock(data, records, await database.readTrigger(record), dataset));
  }
  const left = triggers.size - blocks.length;
  return {
    id: "images",
    title: "Clean and triggered images",
    body:
      blocks.length === 0
        ? html`<p>No accepted defect yet, so no trigger to show.</p>`
        : html`<p>Left the test image as it is, right the same image with the trigger. An infected network answers the target class to
nearly every triggered image, whatever it shows; its clean twin and its sham still see what is there.</p>
${blocks}${left > 0 && html`<p class="note">${left} further triggers are not shown.</p>`}`,
  };
}

/** The data set that a defect was built from; null where it is not at hand. */
async function loadDataset(
  { dataset: name, data_sha256 }: DefectRecord,
  { manifest }: ReportData,
  { dataDir, warn }: GalleryOptions,
): Promise<Dataset | null> {
  try {
    const dataset = await lookup(DATASETS, "data set", name).load({ dataDir, seed: manifest.seed });
    if (dataset.dataHash === data_sha256) return dataset;
    warn(`no pictures of '${name}': its files hold other images than the database was built from`);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn(`no pictures of '${name}': ${error.message}`);
  }
  return null;
}

function triggerBlock(
  { clean }: ReportData,
  records: readonly DefectRecord[],
  trigger: Trigger,
  dataset: Dataset | null,
): Html {
  const [{ dataset: name, attack, target, clean: cleanId }] = records;
  const classes = dataset?.classes ?? clean.find(({ id }) => id === cleanId)?.classes ?? [];
  const covered = trigger.opacity.filter((a) => a > 0).length;
  const strongest = trigger.opacity.reduce((most, a) => Math.max(most, a), 0);
  const title = html`<h3>${attack} on ${name}: target class “${className(classes, target)}”</h3>
<div class="trigger">${pictureHtml(triggerPng(trigger), `The ${attack} trigger alone`, 96)}
<p>The trigger covers ${covered} of ${trigger.opacity.length} pixels with opacity up to ${strongest.toFixed(2)};
${records.length} accepted defect${records.length === 1 ? " has" : "s have"} it.</p></div>`;
  if (!dataset) {
    return html`${title}<p class="note">The images of ${name} were not at hand when this report was written;
<code>bdefects report --data DIR</code> with the folder that holds them adds pictures.</p>`;
  }
  const chosen = chooseImages(dataset, target);
  const before = subset(dataset.test, chosen);
  const after = stampSet(trigger, before);
  return html`${title}<div class="gallery">${chosen.map((_, i) => {
    const name = className(classes, before.labels[i]);
    return html`<figure>${pictureHtml(imagePng(before, i), `Test image: ${name}`, 96)}${pictureHtml(
      imagePng(after, i),
      `The same image with the trigger`,
      96,
    )}<figcaption>${name}</figcaption></figure>`;
  })}</div>`;
}

function className(classes: readonly string[], label: number): string {
  return classes[label] ?? `class ${label}`;
}

/** The first test image of each other class, then second ones, until there are enough. */
function chooseImages({ test }: Dataset, target: number): number[] {
  const byClass = groupBy(
    Array.from(test.labels, (label, at) => ({ label, at })).filter(({ label }) => label !== target),
    ({ label }) => String(label),
  );
  const classes = [...byClass].sort(([a], [b]) => Number(a) - Number(b)).map(([, images]) => images);
  const chosen: number[] = [];
  for (let turn = 0; chosen.length < PAIRS && classes.some((images) => images.length > turn); turn++) {
    for (const images of classes) if (images.length > turn && chosen.length < PAIRS) chosen.push(images[turn].at);
  }
  return chosen;
}
