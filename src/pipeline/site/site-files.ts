import { BUDGETS } from "../../core/budget.ts";
import { InputError } from "../../core/errors.ts";
import type { Version } from "../../core/ids.ts";
import { visible } from "../../core/visible.ts";
import type { Dataset } from "../../datasets/types.ts";
import { asImages } from "../../images/image-set.ts";
import { decodeTrigger, encodeTrigger } from "../../images/trigger/codec.ts";
import { type CleanRecord, gridOf } from "../../records/clean.ts";
import { type DefectRecord, twinSha256, versionRates } from "../../records/defect.ts";
import { predictionSchema } from "../../records/prediction.ts";
import { PREDICTIONS, predictionName } from "../../records/result-name.ts";
import { SITE_FORMAT, type SiteDefect, type SiteEntry, type SiteIndex, type SiteScores } from "../../records/site.ts";
import type { Database } from "../../store/database.ts";
import { DATASETS } from "../../tasks/classification/datasets/registry.ts";
import { buildNetwork } from "../../tasks/classification/models/registry.ts";
import { taskOf } from "../../tasks/registry.ts";
import { encodeHalfState, encodeState, encodeTensors } from "../../tensor/safetensors.ts";

/** Files by their path below the site; each is made when it is asked for. */
export type SiteFiles = ReadonlyMap<string, () => Promise<Uint8Array>>;

/**
 * The one data set whose images a site carries: it is drawn, so it is nobody's. Images of others may not be passed on, and
 * the page shows drawn ones to their networks.
 */
const SHOWN = "signs";

/** The file of those images. */
export const SITE_IMAGES = `data/images/${SHOWN}.safetensors`;

/**
 * What the page reads of a database: an index, and of every accepted defect its facts, weights and trigger (`records/site.ts`).
 * Free text is made visible; the page escapes markup.
 *
 * @throws InputError where no defect is accepted, or something is damaged and nobody listens
 */
export async function siteData(db: Database): Promise<SiteFiles> {
  const { load, ...shown } = shownImages(db.manifest.seed);
  const files = new Map<string, () => Promise<Uint8Array>>();
  const entries: SiteEntry[] = [];
  const predictions = new Set(db.listResults());
  for (const record of db.soundDefects()) {
    // The page knows pictures with classes.
    if (record.status !== "accepted" || !taskOf(record).traits.includes("classes")) continue;
    const clean = db.sound(() => db.readClean(record.clean));
    const models = clean && modelsOf(record);
    if (!clean || !models || !record.trigger) continue;
    entries.push(entryOf(record, clean));
    files.set(`data/defects/${record.id}.json`, async () =>
      json(defectOf(db, record, clean, await ownImages(record, load), predictions)),
    );
    files.set(`data/triggers/${record.trigger.decoded_sha256}.safetensors`, async () =>
      encodeTrigger(await db.readTrigger(record, decodeTrigger)),
    );
    for (const [version, sha256] of Object.entries(models)) {
      if (sha256 === null) continue;
      files.set(`data/models/${sha256}.safetensors`, async () => {
        const state = await db.loadVersion(record, version as Version);
        // Values on a grid of half precision lose nothing by it.
        return gridOf(clean) ? encodeHalfState(state) : encodeState(state);
      });
    }
  }
  if (entries.length === 0)
    throw new InputError(`${db.dir}: has no accepted defect to show: the page shows classifiers of images`);
  const index: SiteIndex = {
    kind: "site",
    format: SITE_FORMAT,
    edition: visible(db.manifest.edition),
    defects: entries,
    images: { file: `${SHOWN}.safetensors`, ...shown },
  };
  files.set("data/index.json", async () => json(index));
  files.set(SITE_IMAGES, async () => {
    const { count, height, width, pixels, labels } = asImages((await load()).test);
    return encodeTensors(
      new Map([
        ["pixels", { dtype: "U8", shape: [count, 3, height, width], bytes: pixels }],
        ["labels", { dtype: "U8", shape: [count], bytes: labels }],
      ]),
    );
  });
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

/** Whether the pictures are the test images that a record's figures were measured on. */
async function ownImages({ dataset, data_sha256 }: DefectRecord, load: () => Promise<Dataset>): Promise<boolean> {
  return dataset === SHOWN && data_sha256 === (await load()).dataHash;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The hashes of the weights; null where a version is missing without which there is nothing to show. */
function modelsOf(record: DefectRecord): SiteDefect["models"] | null {
  const { infected_model, sham_model } = record;
  if (!infected_model) return null;
  return {
    infected: infected_model.decoded_sha256,
    sham: sham_model?.decoded_sha256 ?? null,
    clean: twinSha256(record),
  };
}

const named = ({ id, dataset, arch, attack, style, level, top, target }: DefectRecord) => ({
  id,
  ...{ dataset: visible(dataset), arch: visible(arch), attack: visible(attack) },
  ...{ style, level, top, target },
});

function entryOf(record: DefectRecord, { classes }: CleanRecord): SiteEntry {
  const { ca, asr } = versionRates(record, "infected");
  return { ...named(record), target_name: visible(classes[record.target] ?? `class ${record.target}`), ca, asr };
}

function defectOf(
  db: Database,
  record: DefectRecord,
  { classes, mean, std }: CleanRecord,
  own_images: boolean,
  predictions: ReadonlySet<string>,
): SiteDefect {
  const { infected, effective, contribution, effect, effect_threshold } = db.readLabels(record.id);
  return {
    kind: "site-defect",
    ...named(record),
    ...{ classes: classes.map(visible), mean, std, metrics: record.metrics },
    own_images,
    network: buildNetwork(record.arch, classes.length) as unknown as SiteDefect["network"],
    ...{ infected, effective, contribution, effect, effect_threshold },
    models: modelsOf(record)!,
    trigger: record.trigger!.decoded_sha256,
    scores: scoresOf(db, record.id, predictions),
  };
}

/** The scores that criteria gave the infected model and its sham, of each criterion those of the largest budget. */
function scoresOf(db: Database, id: string, predictions: ReadonlySet<string>): SiteScores[] {
  const criteria = new Set([...predictions].flatMap((name) => criterionOf(name) ?? []));
  return [...criteria].sort().flatMap((criterion) =>
    (["infected", "sham"] as const).flatMap((version) => {
      for (const budget of [...BUDGETS].reverse()) {
        const name = predictionName(criterion, id, version, budget);
        const found = predictions.has(name) ? db.sound(() => db.readResult(name, predictionSchema)) : null;
        if (found)
          return [{ criterion: visible(criterion), version, budget, scores: found.scores, native: found.native }];
      }
      return [];
    }),
  );
}

function criterionOf(name: string): string | null {
  const parts = name.split("/");
  return parts[0] === PREDICTIONS && parts.length === 3 ? parts[1] : null;
}
