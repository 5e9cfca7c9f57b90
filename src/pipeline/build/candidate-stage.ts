import { lookup } from "../../core/errors.ts";
import { defectId, groupId, LEVELS, OFFSETS } from "../../core/ids.ts";
import { countNeurons, sameNeurons } from "../../core/neurons.ts";
import { neuronLayers } from "../../graph/network.ts";
import { type CandidateOutcome, makeCandidate } from "../../inject/candidate.ts";
import type { ContributionOrder } from "../../inject/order.ts";
import { chooseSubnetwork } from "../../inject/quantity.ts";
import { INJECTIONS } from "../../inject/registry.ts";
import { cutColumns } from "../../inject/replacement/splice.ts";
import { changedColumns, changedSet } from "../../measure/changed-set.ts";
import type { Rates } from "../../measure/rates.ts";
import { type DefectMetrics, type DefectRecord, NO_METRICS } from "../../records/defect.ts";
import type { DefectLabels } from "../../records/labels.ts";
import { parseArch, taskStamp } from "../../tasks/registry.ts";
import { replacementOptions } from "../../tasks/replacement.ts";
import { type ChangedRows, changedRows as rowsThatDiffer } from "../../tensor/changes.ts";
import type { StateDict } from "../../tensor/state.ts";
import { cleanSeed, type PlannedCandidate } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import { attackOptions } from "../recipe/recipe.ts";
import type { CleanBench } from "./clean-bench.ts";
import { type BuildContext, engineStamp } from "./context.ts";
import { recipeWithTarget } from "./target.ts";

/** Builds one candidate and writes its record, whatever became of it. */
export async function buildCandidate(
  context: BuildContext,
  planned: PlannedCandidate,
  bench: CleanBench,
): Promise<DefectRecord> {
  const { db, edition, report } = context;
  const { key } = planned;
  const { task } = bench;
  const began = performance.now();
  const { network } = bench.runner;
  const attack = lookup(task.attacks, "attack", key.attack);
  const order = bench.orders[attack.injection];
  const infected = chooseSubnetwork(order, key.level, key.top);
  const recipe = await recipeWithTarget(edition, bench, key, infected);
  const base: DefectRecord = {
    kind: "defect",
    id: planned.id,
    ...taskStamp(task),
    group_id: groupId(key),
    dataset: key.dataset,
    arch: key.arch,
    width: parseArch(key.arch).baseWidth,
    attack: key.attack,
    style: key.style,
    level: key.level,
    top: key.top,
    target: recipe.target,
    status: "rejected",
    reason: null,
    clean: planned.clean,
    clean_sha256: bench.record.model.decoded_sha256,
    recipe: candidateRecipe(context, planned),
    data_sha256: bench.dataset.dataHash,
    engine: await engineStamp(network),
    metrics: NO_METRICS,
    attempts: [],
    neurons: neuronLayers(network).reduce((sum, { width }) => sum + width, 0),
    infected: countNeurons(infected),
    effective: null,
    changed: null,
    twin_model: null,
    infected_model: null,
    sham_model: null,
    trigger: null,
    labels_sha256: null,
    timings: {},
    seconds: 0,
  };
  const seconds = () => (performance.now() - began) / 1000;

  const earlier = earlierTwin(order, planned, edition);
  if (earlier) {
    const reason = `duplicate: the same neurons as '${earlier}'`;
    const record = db.writeDefect({ ...base, status: "duplicate", reason, seconds: seconds() });
    report({ type: "done", id: planned.id, kind: "defect", status: "duplicate", reason, seconds: record.seconds });
    return record;
  }

  report({ type: "stage", id: planned.id, stage: "trigger" });
  const triggerBegan = seconds();
  const { backdoor, cleanRates } = await bench.backdoor(key, infected, recipe.target);
  const triggerSeconds = seconds() - triggerBegan;
  const twin = await bench.twin(key.style);
  const outcome = await makeCandidate({
    key,
    dataset: bench.dataset,
    clean: bench.state,
    rewrite: twin.rewrite,
    infected,
    backdoor,
    cleanRates,
    injection: INJECTIONS[attack.injection],
    order,
    runner: bench.runner,
    recipe,
    options: attackOptions(edition, key.attack),
    gates: settingsFor(edition.gates, key),
    measure: edition.measure,
    grid: edition.grid,
    seed: edition.seed,
    onStage: (stage) => report({ type: "stage", id: planned.id, stage }),
  });
  const record: DefectRecord = {
    ...base,
    status: outcome.status,
    reason: outcome.reason,
    metrics: metricsOf(outcome, { ...NO_METRICS, ca_clean: cleanRates.quality, asr_clean: cleanRates.success }),
    ...detailsOf(cleanRates, outcome),
    attempts: outcome.attempts,
    timings: { trigger: triggerSeconds, ...outcome.timings },
  };
  let labels: DefectLabels | undefined;
  if (outcome.status === "accepted") {
    const { truth, infectedModel, sham } = outcome;
    const { grid } = edition;
    record.trigger = await db.putBytes(task.trigger.encode(backdoor.trigger));
    record.twin_model = twin.rewrite ? await db.putDelta(bench.state, twin.state, { grid }) : null;
    const shares = attack.injection === "replace";
    const isSmall = shares && replacementOptions(attackOptions(edition, key.attack)).compensation.trains === "few";
    const cleared = isSmall ? cutColumns(network, infected) : undefined;
    const columns = shares ? {} : changedColumns(network, infected);
    record.infected_model = await db.putDelta(twin.state, infectedModel!, { grid, cleared, columns });
    record.sham_model = await db.putDelta(shares ? infectedModel! : twin.state, sham!, { grid, columns });
    record.changed = shares
      ? differingRows(twin.state, infectedModel!, sham!)
      : changedSet(network, infected, key.style);
    if (Object.keys(columns).length > 0) record.changed_columns = columns;
    record.effective = truth!.effective ? countNeurons(truth!.effective) : 0;
    const carriers = Float32Array.from(neuronLayers(network).flatMap(({ name }) => truth!.carriers[name]));
    labels = {
      kind: "labels",
      id: planned.id,
      infected,
      contribution: truth!.contribution,
      effective: truth!.effective,
      effect: truth!.effect,
      effect_threshold: truth!.effect_threshold,
      carriers: await db.putBytes(new Uint8Array(carriers.buffer)),
    };
  }
  const written = db.writeDefect({ ...record, seconds: seconds() }, labels);
  const { status, reason } = written;
  report({ type: "done", id: planned.id, kind: "defect", status, reason, seconds: written.seconds });
  return written;
}

/** The recipe that a defect's record carries: all that decides its bytes, beside the clean model and the data. */
export function candidateRecipe(
  { edition }: Pick<BuildContext, "edition">,
  { key }: PlannedCandidate,
): Record<string, unknown> {
  return {
    edition: edition.edition,
    seed: edition.seed,
    clean_seed: cleanSeed(edition, key.top),
    attack: attackOptions(edition, key.attack),
    inject: settingsFor(edition.inject, key),
    gates: settingsFor(edition.gates, key),
    measure: edition.measure,
    ...(edition.grid && { grid: edition.grid }),
  };
}

/** What the task tells besides, where it tells something. */
function detailsOf(
  { details: clean }: Rates,
  { infectedRates, shamRates, controls, controlsClean }: CandidateOutcome,
): Pick<DefectRecord, "details" | "controls" | "controls_clean"> {
  const [infected, sham] = [infectedRates?.details, shamRates?.details];
  return {
    ...(clean && infected && { details: { clean, infected, ...(sham && { sham }) } }),
    ...(controls && { controls }),
    ...(controlsClean && { controls_clean: controlsClean }),
  };
}

function metricsOf(outcome: CandidateOutcome, clean: DefectMetrics): DefectMetrics {
  return {
    ...clean,
    ca: outcome.infectedRates?.quality ?? null,
    asr: outcome.infectedRates?.success ?? null,
    ...outcome.correlation,
    ca_sham: outcome.shamRates?.quality ?? null,
    asr_sham: outcome.shamRates?.success ?? null,
  };
}

/**
 * The changed set of a replacement: the rows in which a version differs from the clean twin. Cutting takes columns of
 * nearly every filter, and which tensors the compensation trains is the recipe's to say (docs/methods.md §7.5).
 */
function differingRows(clean: StateDict, ...versions: StateDict[]): ChangedRows {
  const changed: ChangedRows = {};
  for (const version of versions) {
    for (const [key, rows] of Object.entries(rowsThatDiffer(clean, version))) {
      changed[key] = [...new Set([...(changed[key] ?? []), ...rows])].sort((a, b) => a - b);
    }
  }
  return changed;
}

/**
 * In narrow layers neighbouring offsets can give the same neurons. The earliest of the whole grid of levels and
 * offsets counts, also where a build's slice leaves it out, so that a candidate's status depends on no slice.
 */
function earlierTwin(
  order: ContributionOrder,
  { id, key, clean }: PlannedCandidate,
  edition: BuildContext["edition"],
): string | null {
  const own = chooseSubnetwork(order, key.level, key.top);
  for (const level of LEVELS) {
    for (const top of OFFSETS) {
      const other = defectId({ ...key, level, top });
      if (other === id) return null;
      const sameClean = clean.endsWith(`-s${cleanSeed(edition, top)}`);
      if (sameClean && sameNeurons(own, chooseSubnetwork(order, level, top))) return other;
    }
  }
  return null;
}
