/**
 * What a sub-network replacement costs by what its compensation trains: the sample's candidates, each with every one of the
 * settings given. These differ from the sample's recipe in what they name, and are judged by the same gates. Prints Markdown.
 * Labels are measured on few images, since they decide nothing here.
 *
 *     npx tsx bench/replacement.ts DATA [NETWORKS [SETTINGS [LEVEL [OFFSET]]]]
 *     npx tsx bench/replacement.ts data cifar10-vgg13w8,gtsrb-vgg13w8 '[{},{"trains":"few","filters":0.12}]' narrow 40
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DefectKey, LEVELS, OFFSETS } from "../src/core/ids.ts";
import { makeCandidate } from "../src/inject/candidate.ts";
import { chooseSubnetwork } from "../src/inject/quantity.ts";
import { INJECTIONS } from "../src/inject/registry.ts";
import { cutColumns } from "../src/inject/replacement/splice.ts";
import { type CleanBench, openCleanBench } from "../src/pipeline/build/clean-bench.ts";
import { type BuildContext, DatasetCache } from "../src/pipeline/build/context.ts";
import { attackOptions, injectRecipe, loadEdition } from "../src/pipeline/recipe/recipe.ts";
import { openDatabase } from "../src/store/database.ts";
import { putDelta } from "../src/store/objects/models.ts";
import { ObjectStore } from "../src/store/objects/objects.ts";
import { SAMPLE_DIR } from "../src/store/shipped/sample.ts";
import { replacementOptions } from "../src/tasks/replacement.ts";
import type { StateDict } from "../src/tensor/state.ts";
import { given } from "./given.ts";

/** The sample's own, and those that docs/replacement.md measures. */
const SETTINGS = [{}, { trains: "few", filters: 0.12, learning_rate: 0.06 }];

const [dataDir, networks, tried = JSON.stringify(SETTINGS), level = "narrow", offset = "40"] = given();
const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
const edition = loadEdition("sample");
const report = () => undefined;
const context: BuildContext = { db, edition, dataDir, report, datasets: new DatasetCache(dataDir, edition.seed) };
const folder = mkdtempSync(join(tmpdir(), "bdefects-bench-"));
const objects = new ObjectStore(join(folder, "objects"), join(folder, "tmp"));

async function measure(bench: CleanBench, key: DefectKey, settings: object): Promise<string[]> {
  const options = attackOptions(edition, "sra");
  const compensation = { ...replacementOptions(options).compensation, ...settings };
  const infected = chooseSubnetwork(bench.orders.replace, key.level, key.top);
  const recipe = injectRecipe(edition, key, bench.task.targets(bench.dataset));
  const { backdoor, cleanRates } = await bench.backdoor(key, infected, recipe.target);
  const began = performance.now();
  let compensated: number | undefined;
  let made: StateDict | undefined;
  const outcome = await makeCandidate({
    key,
    dataset: bench.dataset,
    clean: bench.state,
    infected,
    backdoor,
    cleanRates,
    // A rejected candidate's model has its bytes too.
    injection: async (task) => {
      const injected = await INJECTIONS.replace(task);
      made = injected.model;
      return injected;
    },
    order: bench.orders.replace,
    runner: bench.runner,
    recipe,
    options: { ...options, compensation },
    gates: edition.gates,
    measure: { ...edition.measure, label_images: 16, effect_controls: 4 },
    seed: edition.seed,
    onStage: (stage) => {
      if (stage.startsWith("chain")) compensated ??= (performance.now() - began) / 1000;
    },
  });
  const { attempts, infectedRates, infectedModel, sham } = outcome;
  const cleared = compensation.trains === "few" ? cutColumns(bench.runner.network, infected) : undefined;
  const { bytes } = await putDelta(objects, bench.state, made!, { cleared });
  const shamBytes = infectedModel && sham && (await putDelta(objects, infectedModel, sham)).bytes;
  return [
    `${compensation.trains}`,
    outcome.reason ?? outcome.status,
    kilobytes(bytes),
    kilobytes(shamBytes),
    infectedRates ? (cleanRates.quality - infectedRates.quality).toFixed(3) : "–",
    infectedRates?.success.toFixed(3) ?? "–",
    `${attempts.filter((attempt) => "compensation_round" in attempt).length}`,
    compensated?.toFixed(1) ?? "–",
  ];
}

const kilobytes = (bytes: number | undefined) => (bytes === undefined ? "–" : `${(bytes / 1000).toFixed(1)} kB`);
const line = (cells: string[]) => console.log(`| ${cells.join(" | ")} |`);

const columns = ["trains", "outcome", "bytes", "of the sham", "CA drop", "ASR", "rounds", "seconds of compensation"];
line(["network", ...columns]);
line(["---", "---", "---", ...columns.slice(2).map(() => "---:")]);
try {
  for (const id of networks?.split(",") ?? db.listClean().map((id) => id.replace(/^clean\/|-s\d+$/g, ""))) {
    const [dataset, arch] = id.split("-");
    const key: DefectKey = {
      ...{ dataset, arch, attack: "sra", style: "plain" },
      level: LEVELS.find((name) => name === level)!,
      top: OFFSETS.find((top) => `${top}` === offset)!,
    };
    const bench = await openCleanBench(context, db.listClean().find((clean) => clean.startsWith(`clean/${id}-s`))!);
    for (const settings of [JSON.parse(tried)].flat()) line([id, ...(await measure(bench, key, settings))]);
    await bench.runner.release();
  }
} finally {
  rmSync(folder, { recursive: true });
}
