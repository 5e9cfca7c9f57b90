import type { Budget } from "../../core/budget.ts";
import { flatScores, indexNeurons, membership, suspicionOrder } from "../../core/neuron-index.ts";
import { formatNeuron, type LayerWidth } from "../../core/neurons.ts";
import { stopwatch } from "../../core/stopwatch.ts";
import { neuronLayers } from "../../graph/network.ts";
import type { Normalization } from "../../images/image-set.ts";
import { statisticOf } from "../../localize/statistic.ts";
import type { CleanCriterion, CriterionKind, Localization } from "../../localize/types.ts";
import type { ModelRunner } from "../../measure/runner.ts";
import type { Reference } from "../../records/reference.ts";
import { type OnOutcome, runCell } from "../judging/cells.ts";
import { assertFits } from "../judging/localize.ts";
import { anonymous, halveClean, NO_AUGMENTATION, noSamples } from "../judging/suspect.ts";
import type { Progress } from "../judging/workbench.ts";
import type { OwnImages } from "./images.ts";
import type { OwnModel } from "./model.ts";
import { type Comparison, compareWith, countReference } from "./reference.ts";

/** What one criterion says of a network of one's own. */
export interface Finding {
  criterion: string;
  kind: CriterionKind;
  localization: Localization;
  seconds: number;
  /** The statistic's name and value; null where it has none. */
  statistic: string;
  value: number | null;
  /** With all models of the reference, and with those of the file's architecture and width; null where there are none. */
  comparison: Comparison | null;
  sameArch: Comparison | null;
  /** What the method itself says of the whole model; null where it says nothing of models. */
  verdict: Verdict | null;
}

/** A method's own answer to whether there is a backdoor at all. */
export interface Verdict {
  /** What its statistic is held against. */
  gate: number;
  passes: boolean;
  /** How many models of the reference pass that gate; null where it judged none of them. */
  reference: Comparison | null;
}

export interface InspectOptions {
  seed: number;
  budget: Budget;
  reference: Reference;
  progress?: Progress;
  /** Told what becomes of every criterion; without it one that fails ends the inspection. */
  onOutcome?: OnOutcome;
}

/**
 * Runs clean criteria on a network of one's own, blind as in a study: each gets a suspect of its own, and the same
 * weights, images and seed give the same scores.
 *
 * @param images null where all criteria read weights alone
 */
export async function inspectModel(
  model: OwnModel & { normalization: Normalization },
  images: OwnImages | null,
  runner: ModelRunner,
  criteria: readonly CleanCriterion[],
  { seed, budget, reference, progress = () => undefined, onOutcome }: InspectOptions,
): Promise<Finding[]> {
  const clean = images ? halveClean(model.task.inputs, images.clean, seed) : noSamples(model.task, model.network);
  const augmentation = images?.augmentation ?? NO_AUGMENTATION;
  const findings: Finding[] = [];
  for (const [i, criterion] of criteria.entries()) {
    const { name } = criterion;
    progress(i, criteria.length, name);
    // A suspect of its own each: a criterion may spoil what it gets.
    const suspect = anonymous(model, augmentation, clean, runner, seed, budget);
    const watch = stopwatch();
    const localization = await runCell({ what: name, id: model.file }, onOutcome, async () => {
      const found = await criterion.localize(suspect);
      assertFits(criterion, model.network, found);
      return found;
    });
    if (!localization) continue;
    const seconds = watch();
    const statistic = statisticOf(name);
    const value = statistic.of(localization);
    const compare = (arch?: string) => (value === null ? null : compareWith(reference, name, value, arch));
    const facts = { criterion: name, kind: criterion.kind, localization, seconds, statistic: statistic.name, value };
    const verdict = verdictOf(reference, name, localization);
    findings.push({ ...facts, comparison: compare(), sameArch: compare(model.network.arch), verdict });
  }
  return findings;
}

/** What a criterion says of a whole model by its own gate, and how often it says so of models of known truth. */
function verdictOf(reference: Reference, criterion: string, localization: Localization): Verdict | null {
  const statistic = statisticOf(criterion);
  const gate = statistic.gate?.(localization);
  if (!gate) return null;
  return {
    gate: gate.bound,
    passes: statistic.flags!(localization),
    reference: countReference(reference, criterion, gate.passes),
  };
}

/** A neuron's row, under the file's own layer names. */
export interface NeuronRow {
  criterion: string;
  neuron: string;
  raw: number;
  score: number;
  /** 1: the most suspicious; ties by layer order, then channel. */
  rank: number;
  /** Whether the criterion itself names it. */
  native: boolean;
}

/** Every neuron as one criterion finds it, the most suspicious first. */
export function neuronRows(
  { network, layerName }: Pick<OwnModel, "network" | "layerName">,
  found: Pick<Finding, "criterion" | "localization">,
): NeuronRow[] {
  return rowsOfLayers(neuronLayers(network), layerName, found);
}

/** The same of a model of which no more is known than its layers of neurons. @param layerName the file's own name of one */
export function rowsOfLayers(
  layers: readonly LayerWidth[],
  layerName: (layer: string) => string,
  { criterion, localization }: Pick<Finding, "criterion" | "localization">,
): NeuronRow[] {
  const index = indexNeurons([...layers]);
  const names = index.layers.flatMap(({ name, width }) =>
    Array.from({ length: width }, (_, c) => formatNeuron(layerName(name), c)),
  );
  const raw = flatScores(index, localization.raw);
  const scores = flatScores(index, localization.scores);
  const native = membership(index, localization.native);
  return Array.from(suspicionOrder(scores), (at, i) => ({
    criterion,
    neuron: names[at],
    raw: raw[at],
    score: scores[at],
    rank: i + 1,
    native: native[at] === 1,
  }));
}
