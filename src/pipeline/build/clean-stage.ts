import { InputError } from "../../core/errors.ts";
import type { Grid } from "../../core/grid.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import type { CleanRecord } from "../../records/clean.ts";
import { asReadBy } from "../../tasks/adoption.ts";
import { taskStamp } from "../../tasks/registry.ts";
import { firstBeyondGrid, largestOn, onGrid } from "../../tensor/half-grid.ts";
import type { StateDict } from "../../tensor/state.ts";
import { type Checkpoint, type EpochRecord, trainClean } from "../../train/clean.ts";
import { deviceStamp } from "../device/device.ts";
import type { PlannedClean } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import type { Edition } from "../recipe/recipe.ts";
import { type AdoptedModel, adoptedHash, openAdopted } from "./adopted.ts";
import { type BuildContext, engineStamp, networkAndTask } from "./context.ts";

const VELOCITY = "velocity/";

/** Trains one clean model, from its last checkpoint where there is one, and writes its record. */
export async function buildClean(context: BuildContext, planned: PlannedClean): Promise<CleanRecord> {
  const { db, edition, report } = context;
  const began = performance.now();
  const loaded = await context.datasets.get(planned.dataset);
  const { task, network } = networkAndTask(planned.arch, loaded);
  const adopted = openAdopted(edition, planned);
  const dataset = adopted ? asReadBy(loaded, adopted.described) : loaded;
  const start = adopted?.model.state();
  const stated = cleanRecipe(context, planned);
  const recipe = settingsFor(edition.clean, planned);
  const settings = stated.clean as typeof recipe;
  const fingerprint = JSON.stringify({
    recipe: settings,
    seed: planned.seed,
    data: dataset.dataHash,
    ...deviceStamp(),
  });
  const resume = await readCheckpoint(context, planned.id, fingerprint);

  const { state: trained, history } = await trainClean(task, network, dataset, recipe, planned.seed, {
    ...{ start, resume },
    onStep: (done, total) => report({ type: "stage", id: planned.id, stage: `train ${done}/${total}` }),
    onEpoch: async (checkpoint) => {
      const bundle: StateDict = new Map(checkpoint.state);
      for (const [key, tensor] of checkpoint.velocities) bundle.set(VELOCITY + key, tensor);
      await db.writeCheckpoint(planned.id, bundle, {
        epoch: checkpoint.epoch,
        history: checkpoint.history,
        fingerprint,
      });
    },
  });

  // Before anything reads it: what is measured, ranked and tuned is what is stored.
  const state = roundedClean(trained, planned.id, edition.grid);

  const runner = await createRunner(task, network, dataset.normalization, recipe);
  const ca = await runner.quality(state, dataset.test);
  await runner.release();
  assertGood(ca, recipe.least_ca, planned, edition);
  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const record: CleanRecord = {
    kind: "clean",
    id: planned.id,
    ...taskStamp(task),
    dataset: planned.dataset,
    arch: planned.arch,
    classes: [...task.targets(dataset)],
    mean: dataset.normalization.mean,
    std: dataset.normalization.std,
    model: await db.putModel(state, edition.grid),
    recipe: stated,
    ...(adopted && { from: await storedFrom(context, adopted, settings.from!) }),
    data_sha256: dataset.dataHash,
    engine: await engineStamp(network),
    metrics: { ca },
    history,
    seconds: Math.max(seconds, resume ? 0 : (performance.now() - began) / 1000),
  };
  db.writeClean(record);
  db.dropCheckpoint(planned.id);
  const status = recipe.epochs === 0 ? "taken as it is" : "trained";
  report({ type: "done", id: planned.id, kind: "clean", status, reason: null, seconds: record.seconds });
  return record;
}

/**
 * The trained model on the edition's grid. What lies beyond the grid would be changed by more than rounding, in every
 * defect that is made from it, so such a model is refused.
 * @throws InputError
 */
export function roundedClean(trained: StateDict, id: string, grid: Grid | undefined): StateDict {
  const beyond = grid && firstBeyondGrid(trained, grid);
  if (!grid || !beyond) return onGrid(trained, grid);
  throw new InputError(
    `${id}: '${beyond.key}' holds ${beyond.value}, and the grid '${grid}' ends at ${largestOn(grid)}; leave 'grid' out of the recipe or lower clean.learning_rate`,
  );
}

/** What a clean model's record says of a model that somebody else made. */
async function storedFrom(
  { db }: Pick<BuildContext, "db">,
  { name, model }: AdoptedModel,
  sha256: string,
): Promise<CleanRecord["from"]> {
  return { folder: name, sha256, description: await db.putBytes(model.description) };
}

/** @throws InputError where a clean model is not as good as the recipe asks for */
function assertGood(ca: number, least: number | undefined, { id, dataset }: PlannedClean, { edition }: Edition): void {
  if (least === undefined || ca >= least) return;
  throw new InputError(
    `${id}: its CA on the test part of ${dataset} is ${ca.toFixed(3)}, and recipe '${edition}' asks for ${least} (clean.least_ca); train it for more epochs, ask it otherwise, or lower that`,
  );
}

/**
 * The recipe that a clean model's record carries. A folder is stated by the hash of its files.
 *
 * @param isBuilt whether there is such a record already, so that a hash that the recipe states is enough
 */
export function cleanRecipe(
  { edition }: Pick<BuildContext, "edition">,
  planned: PlannedClean,
  isBuilt = false,
): Record<string, unknown> {
  const { from: _, sha256: __, ...clean } = settingsFor(edition.clean, planned);
  const from = adoptedHash(edition, planned, isBuilt);
  return {
    edition: edition.edition,
    edition_seed: edition.seed,
    seed: planned.seed,
    clean: { ...clean, ...(from !== undefined && { from }) },
    ...(edition.grid && { grid: edition.grid }),
  };
}

async function readCheckpoint({ db }: BuildContext, id: string, fingerprint: string): Promise<Checkpoint | undefined> {
  const found = await db.readCheckpoint(id);
  if (!found) return undefined;
  const meta = found.meta as { epoch: number; history: EpochRecord[]; fingerprint: string };
  if (meta.fingerprint !== fingerprint) {
    throw new InputError(
      `${db.dir}: the unfinished training of '${id}' has another recipe, data or device; use another --db folder`,
    );
  }
  const state: StateDict = new Map();
  const velocities: StateDict = new Map();
  for (const [key, tensor] of found.state) {
    if (key.startsWith(VELOCITY)) velocities.set(key.slice(VELOCITY.length), tensor);
    else state.set(key, tensor);
  }
  return { epoch: meta.epoch, history: meta.history, state, velocities };
}
