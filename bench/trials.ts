/**
 * Tries settings of injections before an edition takes them: each trial goes through all stages, whatever gate it fails, and writes nothing.
 *
 *     npx tsx bench/trials.ts DB RECIPE TRIALS.json [DATA]
 *
 * DB has a clean model that `build` made by RECIPE with one clean seed. TRIALS.json is a list of
 * `{"attack": "rareword", "level": "narrow", "top": 20, "inject": {"decoy_share": 0.3}, "options": {"word": "cf"}}`: `inject` and `options`
 * are set over the recipe's. Prints one line of JSON for each: its figures, and the first of the recipe's gates that it fails (`fails`).
 */

import { readFileSync } from "node:fs";
import { lookup } from "../src/core/errors.ts";
import type { DefectKey } from "../src/core/ids.ts";
import { makeCandidate } from "../src/inject/candidate.ts";
import { chooseSubnetwork } from "../src/inject/quantity.ts";
import type { InjectRecipe } from "../src/inject/recipe.ts";
import { INJECTIONS } from "../src/inject/registry.ts";
import { openCleanBench } from "../src/pipeline/build/clean-bench.ts";
import { DatasetCache } from "../src/pipeline/build/context.ts";
import { recipeWithTarget } from "../src/pipeline/build/target.ts";
import { attackOptions, loadEdition } from "../src/pipeline/recipe/recipe.ts";
import { type Figures, failedGate, type Gates, highest } from "../src/records/gates.ts";
import { openDatabase } from "../src/store/database.ts";
import { given } from "./given.ts";

interface Trial extends Pick<DefectKey, "attack" | "level" | "top"> {
  style?: DefectKey["style"];
  inject?: Partial<InjectRecipe>;
  options?: Record<string, unknown>;
}

/** Gates that nothing fails. */
const OPEN: Gates = { asr: 0, ca_drop: 1, asr_masked: 1, asr_patched: 1, random_mask_share: 0, sham: 1 };

const [folder, recipePath, trialsPath, dataDir = "data"] = given();
const db = await openDatabase(folder, { readOnly: true });
const trials = JSON.parse(readFileSync(trialsPath, "utf8")) as Trial[];
const [clean] = db.listClean();
for (const trial of trials) {
  const edition = loadEdition(recipePath);
  if (trial.options) edition.attacks[trial.attack] = trial.options;
  const datasets = new DatasetCache(dataDir, edition.seed);
  const bench = await openCleanBench({ db, edition, dataDir, report: () => undefined, datasets }, clean);
  const { dataset, arch } = bench.record;
  const key: DefectKey = {
    dataset,
    arch,
    attack: trial.attack,
    level: trial.level,
    top: trial.top,
    style: trial.style ?? "plain",
  };
  const { injection } = lookup(bench.task.attacks, "attack", key.attack);
  const order = bench.orders[injection];
  const infected = chooseSubnetwork(order, key.level, key.top);
  const recipe = { ...(await recipeWithTarget(edition, bench, key, infected)), ...trial.inject };
  const { backdoor, cleanRates } = await bench.backdoor(key, infected, recipe.target);
  const outcome = await makeCandidate({
    ...{ key, dataset: bench.dataset, clean: bench.state, infected, backdoor, cleanRates, order, recipe },
    ...{ runner: bench.runner, measure: edition.measure, grid: edition.grid, seed: edition.seed, gates: OPEN },
    // Whether a further attempt is made is decided by the recipe's gates, as in a build.
    injection: (job) => INJECTIONS[injection]({ ...job, gates: edition.gates }),
    options: attackOptions(edition, key.attack),
  });
  const { infectedRates, shamRates, controls = {} } = outcome;
  const [before, after] = [cleanRates, infectedRates].map((rates) => rates?.details?.clean.perplexity);
  const figures: Figures = {
    ...{ ca_clean: cleanRates.quality, asr_clean: cleanRates.success },
    ...{ ca: infectedRates?.quality, asr: infectedRates?.success, ...outcome.correlation },
    ...{ ca_sham: shamRates?.quality, asr_sham: shamRates?.success, asr_control: highest(controls) },
    perplexity_ratio: before && after ? after / before : 1,
  };
  const told = {
    ...trial,
    target: recipe.target,
    fails: infectedRates ? failedGate(figures, edition.gates) : outcome.reason,
    figures,
    controls,
  };
  console.log(JSON.stringify({ ...told, attempts: outcome.attempts, timings: outcome.timings }));
  await bench.runner.release();
}
