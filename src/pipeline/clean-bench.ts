import { ATTACKS } from "../attacks/registry.ts";
import type { Trigger } from "../attacks/types.ts";
import { lookup } from "../core/errors.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Dataset } from "../datasets/types.ts";
import { type ContributionOrder, contributionOrder } from "../inject/order.ts";
import { createRunner, type OrtRunner } from "../measure/ort-runner.ts";
import { type Rates, rates } from "../measure/rates.ts";
import type { CleanRecord } from "../store/schema.ts";
import type { StateDict } from "../tensor/state.ts";
import { type BuildContext, networkFor } from "./context.ts";
import { forDataset } from "./recipe.ts";

/** Everything that the candidates of one clean model share, computed once per process. */
export interface CleanBench {
  record: CleanRecord;
  state: StateDict;
  dataset: Dataset;
  runner: OrtRunner;
  order: ContributionOrder;
  trigger(attack: string): Promise<{ trigger: Trigger; cleanRates: Rates }>;
}

export async function openCleanBench(context: BuildContext, cleanId: string): Promise<CleanBench> {
  const { db, edition } = context;
  const record = db.readClean(cleanId);
  const dataset = await context.datasets.get(record.dataset);
  const recipe = forDataset(edition.inject, record.dataset);
  const network = networkFor(record.arch, dataset);
  const runner = await createRunner(network, dataset.normalization, recipe);
  const state = await db.loadClean(record);
  const order = await contributionOrder(
    runner,
    state,
    dataset,
    record.arch,
    edition.measure.contribution_images,
    edition.seed,
  );
  const triggers = new Map<string, Promise<{ trigger: Trigger; cleanRates: Rates }>>();
  const make = async (attack: string) => {
    const random = new Random(stageSeed(edition.seed, "trigger", dataset.name, attack));
    const { height, width } = dataset.test;
    const trigger = await lookup(ATTACKS, "attack", attack).makeTrigger({ height, width, random });
    return { trigger, cleanRates: await rates(runner, state, dataset.test, trigger, recipe.target) };
  };
  return {
    record,
    state,
    dataset,
    runner,
    order,
    trigger(attack) {
      const known = triggers.get(attack) ?? make(attack);
      triggers.set(attack, known);
      return known;
    },
  };
}
