import { BUDGETS } from "../../core/budget.ts";
import { InputError } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import type { Dataset } from "../../datasets/types.ts";
import { stateValues } from "../../graph/cost.ts";
import { asImages, type ImageSet } from "../../images/image-set.ts";
import { type CleanRecord, gridOf } from "../../records/clean.ts";
import { type DefectRecord, twinSha256, versionRates } from "../../records/defect.ts";
import type { ObjectRef } from "../../records/object-ref.ts";
import { predictionSchema } from "../../records/prediction.ts";
import { PREDICTIONS, predictionName } from "../../records/result-name.ts";
import { SITE_FORMAT, type SiteDefect, type SiteEntry, type SiteIndex, type SiteScores } from "../../records/site.ts";
import type { Database } from "../../store/database.ts";
import type { ResultStore } from "../../store/results/result-folder.ts";
import { DATASETS } from "../../tasks/classification/datasets/registry.ts";
import { buildNetwork, describedBy, taskOf, taskStamp } from "../../tasks/registry.ts";
import { encodeHalfState, encodeState, encodeTensors } from "../../tensor/safetensors.ts";
import { siteBoardOf } from "../board/site-board.ts";
import { shortScores } from "./short-scores.ts";
import { startOf } from "./start.ts";

/** Files by their path below the site; each is made when it is asked for. */
export type SiteFiles = ReadonlyMap<string, () => Promise<Uint8Array>>;

/**
 * The one data set whose images a site carries: it is drawn, so it is nobody's. Images of others may not be passed on, and
 * the page shows drawn ones to their networks.
 */
const SHOWN = "signs";

/** The file of those images. */
export const SITE_IMAGES = `data/images/${SHOWN}.safetensors`;

/** Parameters of a model from a folder: a page has three versions of it at once, in 32-bit floats. */
const MOST_ADOPTED = 20e6;

/** What a site shows beside a database. */
export interface SiteOptions {
  /** The leaderboard's folder; absent: the site has none. */
  board?: string;
  /** Where criteria's results are read; absent: in the database. */
  results?: ResultStore;
  /** Told which accepted defects the page does not show. */
  note?(message: string): void;
}

/**
 * What the page reads of a database: an index, of every accepted defect its facts and trigger, of every clean model its weights, and
 * of all other versions their deltas as they are stored (`records/site.ts`). Free text is made visible; the page escapes markup.
 *
 * @throws InputError where no defect is accepted, or something is damaged and nobody listens
 */
export async function siteData(db: Database, { board, results = db, note }: SiteOptions = {}): Promise<SiteFiles> {
  const { load, ...shown } = shownImages(db.manifest.seed);
  const files = new Map<string, () => Promise<Uint8Array>>();
  const entries: SiteEntry[] = [];
  /** By whose they are, and why. */
  const unshown = new Map<string, { why: string; count: number }>();
  const leaveOut = (whose: string, why: string) => {
    unshown.set(whose, { why, count: (unshown.get(whose)?.count ?? 0) + 1 });
  };
  const predictions = { store: results, names: new Set(results.listResults()) };
  for (const record of db.soundDefects()) {
    const task = taskOf(record);
    const isClassifier = task.traits.includes("classes");
    if (record.status !== "accepted") continue;
    if (!(isClassifier || isShown(record))) {
      leaveOut(visible(record.dataset), "the page has no samples that their networks read");
      continue;
    }
    const clean = db.sound(() => db.readClean(record.clean));
    const models = clean && modelsOf(record, clean);
    if (!clean || !models || !record.trigger) continue;
    if (isTooLarge(clean)) {
      leaveOut("models from folders", `the page runs those of at most ${MOST_ADOPTED / 1e6} million parameters`);
      continue;
    }
    entries.push(entryOf(record, clean));
    files.set(`data/defects/${record.id}.json`, async () =>
      json(defectOf(db, record, clean, await (isClassifier ? ownImages(record, load) : ownShown(record)), predictions)),
    );
    const { from } = clean;
    if (from) {
      // What is wrong with it is told to whoever opens the defect.
      files.set(`data/asked/${from.description.decoded_sha256}.json`, async () =>
        (await describedBy(clean, (ref: ObjectRef) => db.readBytes(ref)))!.carried(),
      );
    }
    files.set(`data/triggers/${record.trigger.decoded_sha256}.trigger`, async () =>
      task.trigger.encode(await db.readTrigger(record, task.trigger.decode)),
    );
    files.set(`data/models/${models.base}.safetensors`, async () => {
      const state = await db.loadClean(clean);
      // Values on a grid of half precision lose nothing by it.
      return gridOf(clean) ? encodeHalfState(state) : encodeState(state);
    });
    for (const ref of [record.twin_model, record.infected_model, record.sham_model]) {
      if (ref) files.set(`data/deltas/${ref.decoded_sha256}.delta`, () => db.readDelta(ref));
    }
  }
  if (entries.length === 0)
    throw new InputError(
      `${db.dir}: holds no accepted defect of images, lanes or glosses that the page shows; it shows no other texts, and of models from folders those of at most ${MOST_ADOPTED / 1e6} million parameters`,
    );
  for (const [whose, { why, count }] of unshown) note?.(`accepted defects of ${whose} left out: ${count}; ${why}`);
  const hasPictures = entries.some((entry) => taskOf(entry).traits.includes("classes"));
  const samples: Record<string, string> = {};
  for (const task of new Set(entries.map(taskOf))) {
    const carried = task.exhibit?.carried;
    if (!carried) continue;
    samples[task.name] = carried.file;
    files.set(`data/samples/${carried.file}`, async () => carried.bytes());
  }
  const index: SiteIndex = {
    kind: "site",
    format: SITE_FORMAT,
    edition: visible(db.manifest.edition),
    defects: entries,
    start: startOf(entries)!.id,
    ...(hasPictures && { images: { file: `${SHOWN}.safetensors`, ...shown } }),
    ...(Object.keys(samples).length > 0 && { samples }),
  };
  files.set("data/index.json", async () => json(index));
  if (board !== undefined) {
    // What is wrong with it is told before anything is served or written.
    const shown = siteBoardOf(board, new Set(entries.map(({ id }) => id)));
    files.set("data/board.json", async () => json(shown));
  }
  if (hasPictures) files.set(SITE_IMAGES, async () => imagesFile(asImages((await load()).test)));
  return files;
}

/** Drawing them takes a while, so it waits until somebody asks. */
function shownImages(seed: number) {
  const definition = DATASETS.get(SHOWN)!;
  let drawn: Promise<Dataset> | undefined;
  const load = () => {
    drawn ??= definition.load({ dataDir: "", seed });
    return drawn;
  };
  return { title: definition.title, classes: definition.classes, load };
}

function imagesFile({ count, height, width, pixels, labels }: ImageSet): Uint8Array {
  return encodeTensors(
    new Map([
      ["pixels", { dtype: "U8", shape: [count, 3, height, width], bytes: pixels }],
      ["labels", { dtype: "U8", shape: [count], bytes: labels }],
    ]),
  );
}

/** Whether the pictures are the test images that a record's figures were measured on. */
async function ownImages({ dataset, data_sha256 }: DefectRecord, load: () => Promise<Dataset>): Promise<boolean> {
  return dataset === SHOWN && data_sha256 === (await load()).dataHash;
}

/** Whether a model that somebody else made has more weights than a page can hold and run. */
function isTooLarge({ from, arch, classes }: CleanRecord): boolean {
  return from !== undefined && stateValues(buildNetwork(arch, classes.length)) > MOST_ADOPTED;
}

/** Whether the page has samples that a network of another task reads. */
function isShown(record: DefectRecord): boolean {
  const { exhibit } = taskOf(record);
  return exhibit !== undefined && (!exhibit.ofOwnAlone || record.dataset === exhibit.dataset);
}

/** Whether these are the test samples that a record's figures were measured on. */
async function ownShown(record: DefectRecord): Promise<boolean> {
  const { exhibit } = taskOf(record);
  return record.dataset === exhibit?.dataset && record.data_sha256 === exhibit.dataHash;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The hashes of the weights; null where a version is missing without which there is nothing to show. */
function modelsOf(record: DefectRecord, clean: CleanRecord): SiteDefect["models"] | null {
  const { infected_model, sham_model } = record;
  // A record of another clean model would lead to weights that are none of its versions.
  if (!infected_model || clean.model.decoded_sha256 !== record.clean_sha256) return null;
  return {
    base: clean.model.decoded_sha256,
    infected: infected_model.decoded_sha256,
    sham: sham_model?.decoded_sha256 ?? null,
    clean: twinSha256(record),
  };
}

const named = (
  { id, task, dataset, arch, attack, style, level, top, target }: DefectRecord,
  { from }: Pick<CleanRecord, "from">,
) => ({
  id,
  ...taskStamp(taskOf({ task })),
  ...{ dataset: visible(dataset), arch: visible(arch), attack: visible(attack) },
  ...{ style, level, top, target },
  ...(from && { asked: from.description.decoded_sha256 }),
});

function entryOf(record: DefectRecord, clean: CleanRecord): SiteEntry {
  const { classes } = clean;
  const { ca, asr } = versionRates(record, "infected");
  const { words } = taskOf(record);
  const target_name = visible(classes[record.target] ?? `${words.target} ${record.target}`);
  return { ...named(record, clean), target_name, ca, asr };
}

function defectOf(
  db: Database,
  record: DefectRecord,
  clean: CleanRecord,
  own_images: boolean,
  predictions: Predictions,
): SiteDefect {
  const { infected, effective, contribution, effect, effect_threshold } = db.readLabels(record.id);
  const { classes, mean, std } = clean;
  const models = modelsOf(record, clean)!;
  return {
    kind: "site-defect",
    ...named(record, clean),
    ...{ classes: classes.map(visible), mean, std, metrics: record.metrics },
    own_images,
    network: buildNetwork(record.arch, classes.length) as unknown as SiteDefect["network"],
    ...{ infected, effective, contribution, effect, effect_threshold },
    models,
    trigger: record.trigger!.decoded_sha256,
    scores: scoresOf(db, record.id, models.infected, predictions),
  };
}

/** Results, and the names of all that there are. */
interface Predictions {
  store: ResultStore;
  names: ReadonlySet<string>;
}

/** The scores that criteria gave the infected model, of each criterion those of the largest budget. */
function scoresOf(db: Database, id: string, sha256: string, { store, names }: Predictions): SiteScores[] {
  const criteria = new Set([...names].flatMap((name) => criterionOf(name) ?? []));
  return [...criteria].sort().flatMap((criterion) => {
    for (const budget of [...BUDGETS].reverse()) {
      const name = predictionName(criterion, id, "infected", budget);
      const found = names.has(name) ? db.sound(() => store.readResult(name, predictionSchema)) : null;
      // Of other weights than are shown here.
      if (!found || found.model_sha256 !== sha256) continue;
      return [{ criterion: visible(criterion), budget, scores: shortScores(found.scores), native: found.native }];
    }
    return [];
  });
}

function criterionOf(name: string): string | null {
  const parts = name.split("/");
  return parts[0] === PREDICTIONS && parts.length === 3 ? parts[1] : null;
}
