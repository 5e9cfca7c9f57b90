import type { Grid } from "../core/grid.ts";
import type { DefectKey } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { Random, stageSeed } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Dataset } from "../datasets/types.ts";
import type { OrtRunner } from "../measure/ort-runner.ts";
import { type Rates, toldRates } from "../measure/rates.ts";
import { eligibleOf, successOf } from "../measure/verdicts.ts";
import { type Figures, failedGate, failedVisibility, type Gates, highest, highestRise } from "../records/gates.ts";
import type { Backdoor, Trigger } from "../tasks/backdoor.ts";
import { onGrid } from "../tensor/half-grid.ts";
import type { StateDict } from "../tensor/state.ts";
import { type Correlation, measureCorrelation } from "./correlation.ts";
import { type GroundTruth, labelDefect } from "./label.ts";
import type { ContributionOrder } from "./order.ts";
import { randomNeighbours } from "./quantity.ts";
import type { InjectRecipe, MeasureRecipe } from "./recipe.ts";
import type { Stage } from "./stages.ts";
import type { Injection } from "./types.ts";

export interface CandidateJob {
  key: DefectKey;
  dataset: Dataset;
  /** The clean model that the injection starts from. */
  clean: StateDict;
  /** For style `discreet`: the same function with batch-norm statistics of its own (docs/methods.md §7.3). */
  rewrite?(model: StateDict): Promise<StateDict>;
  infected: NeuronSet;
  backdoor: Backdoor;
  /** Rates of the clean twin under this trigger. */
  cleanRates: Rates;
  injection: Injection;
  order: ContributionOrder;
  runner: OrtRunner;
  recipe: InjectRecipe;
  /** The attack's own section of the recipe. */
  options: Record<string, unknown>;
  gates: Gates;
  measure: MeasureRecipe;
  /**
   * The grid that every version is rounded to before anything is judged. What lies beyond it ends at its largest value:
   * the gates judge what is stored.
   */
  grid?: Grid;
  seed: number;
  /** Tells what is being done, for progress. */
  onStage?(stage: string): void;
}

/** What became of a candidate. Figures behind an earlier failed gate are absent. */
export interface CandidateOutcome {
  status: "accepted" | "rejected";
  reason: string | null;
  attempts: Record<string, unknown>[];
  /** Absent where nothing was injected, since the network cannot see the trigger. */
  infectedRates?: Rates;
  correlation?: Correlation;
  shamRates?: Rates;
  infectedModel?: StateDict;
  sham?: StateDict;
  truth?: GroundTruth;
  /** Success on what looks like the trigger and is none, by its name, on the samples of the labels; absent: nothing looks alike. */
  controls?: Record<string, number>;
  /** The clean model's success on the same, where a gate asks for it. */
  controlsClean?: Record<string, number>;
  /** Seconds per stage. */
  timings: Partial<Record<Stage, number>>;
}

/** Takes one candidate through injection, gates, Rule 3, the sham and the labels (docs/methods.md §6, §7, §8, §9). */
export async function makeCandidate(job: CandidateJob): Promise<CandidateOutcome> {
  const { key, dataset, runner, recipe, gates, backdoor, infected } = job;
  const seedOf = (stage: string) => stageSeed(job.seed, stage, key.dataset, key.arch, key.level, key.top, key.attack);
  const { task } = runner;
  const timings: Partial<Record<Stage, number>> = {};
  const timed = async <T>(stage: Stage, work: () => Promise<T>): Promise<T> => {
    job.onStage?.(stage);
    const began = performance.now();
    const result = await work();
    timings[stage] = (timings[stage] ?? 0) + (performance.now() - began) / 1000;
    return result;
  };

  const chosen = new Random(seedOf("images")).sample(dataset.train.count, recipe.images + recipe.held_out);
  const drawOthers = (random: Random) => randomNeighbours(job.order, infected, key.level, key.top, random);
  const masks = (stage: string) => {
    const random = new Random(seedOf(stage));
    return Array.from({ length: job.measure.random_masks }, () => drawOthers(random));
  };
  const samples = task.inputs.subset(dataset.train, chosen.subarray(0, recipe.images));
  const unseen = await timed("inject", () => unseenTrigger(job, samples));
  if (unseen) return { status: "rejected", reason: unseen, attempts: [], timings };

  const injected = await timed("inject", () =>
    job.injection({
      style: key.style,
      dataset,
      runner,
      clean: job.clean,
      infected,
      backdoor,
      samples,
      heldOut: task.inputs.subset(dataset.train, chosen.subarray(recipe.images)),
      randomMasks: masks("held-out random mask"),
      drawOthers,
      recipe,
      options: job.options,
      gates,
      stored: (model) => onGrid(model, job.grid),
      seedOf,
      onStage: (stage) => job.onStage?.(stage),
    }),
  );
  const { attempts } = injected;
  const finish = async (made: StateDict) =>
    onGrid(job.rewrite ? await timed("rewrite", () => job.rewrite!(made)) : made, job.grid);
  const model = await finish(injected.model);
  const infectedRates = await timed("gates", () => toldRates(runner, model, dataset.test, backdoor));
  const outcome: CandidateOutcome = { status: "rejected", reason: null, attempts, infectedRates, timings };
  const figures: Figures = {
    ...{ ca_clean: job.cleanRates.quality, asr_clean: job.cleanRates.success },
    ...{ ca: infectedRates.quality, asr: infectedRates.success },
  };
  outcome.reason = failedGate(figures, gates);
  if (outcome.reason) return outcome;

  const others = eligibleOf(task, dataset.test, backdoor.target);
  outcome.correlation = await timed("correlation", () =>
    measureCorrelation(runner, model, infected, masks("random mask"), dataset.test, others, backdoor),
  );
  outcome.reason = failedGate(Object.assign(figures, outcome.correlation), gates);
  if (outcome.reason) return outcome;

  const sham = await finish(await timed("sham", () => injected.sham()));
  outcome.shamRates = await timed("gates", () => toldRates(runner, sham, dataset.test, backdoor));
  outcome.reason = failedGate(Object.assign(figures, { asr_sham: outcome.shamRates.success }), gates);
  if (outcome.reason) return outcome;

  const drawn = new Random(seedOf("label images")).sample(others.count, job.measure.label_images);
  const labelled = task.inputs.subset(others, drawn);
  const controls = Object.entries(task.trigger.controls?.(backdoor.trigger) ?? {});
  if (controls.length > 0) {
    outcome.controls = await timed("controls", () => successOfEach(controls, job, model, labelled));
    if (gates.control_rise !== undefined) {
      outcome.controlsClean = await timed("controls", () => successOfEach(controls, job, job.clean, labelled));
    }
  }
  const [before, after] = [job.cleanRates, infectedRates].map(({ details }) => details?.clean.perplexity);
  const further = {
    asr_control: highest(outcome.controls ?? {}),
    control_rise: highestRise(outcome.controls ?? {}, outcome.controlsClean ?? {}),
    perplexity_ratio: before !== undefined && after !== undefined ? after / before : 1,
  };
  outcome.reason = failedGate(Object.assign(figures, further), gates);
  if (outcome.reason) return outcome;

  outcome.truth = await timed("labels", () =>
    labelDefect(runner, model, infected, labelled, backdoor, job.measure.effect_controls, seedOf("effect controls")),
  );
  return { ...outcome, status: "accepted", infectedModel: model, sham };
}

/** Samples of the attacker's that say whether the network can see the trigger. */
const LOOKED_AT = 128;

/** Why nothing is injected: the network cannot tell the trigger. Null: it can. */
async function unseenTrigger({ runner, clean, backdoor, recipe }: CandidateJob, samples: Samples) {
  const { task, network } = runner;
  if (!task.visibility || samples.count < 2) return null;
  const some = task.inputs.subset(
    samples,
    Array.from({ length: Math.min(LOOKED_AT, samples.count) }, (_, i) => i),
  );
  return failedVisibility(await task.visibility(network, clean, some, backdoor.trigger, recipe.threads));
}

/** How often a model does what the backdoor wants where something stands that only looks like the trigger. */
async function successOfEach(
  controls: readonly (readonly [name: string, control: Trigger])[],
  { runner, backdoor: { target } }: Pick<CandidateJob, "runner" | "backdoor">,
  model: StateDict,
  samples: Samples,
): Promise<Record<string, number>> {
  const { task } = runner;
  const found: Record<string, number> = {};
  for (const [name, control] of controls) {
    const outputs = await runner.outputs(model, task.trigger.stamp(control, samples));
    found[name] = successOf(task, outputs, samples, target);
  }
  return found;
}
