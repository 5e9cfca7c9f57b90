import { countNeurons, formatNeuron } from "../../core/neurons.ts";
import type { CleanCriterion, Localization } from "../../localize/types.ts";
import { localizationStep, measuredStep } from "../../records/finished-step.ts";
import { spareOneOf } from "../../repair/prune.ts";
import type { ForeignModel, ForeignSamples } from "../../tasks/foreign-models.ts";
import type { Progress } from "../judging/workbench.ts";
import { type FinishedSteps, madeFrom } from "./finished-steps.ts";
import { inspectFolder, THREADS } from "./inspect-folder.ts";
import { hashesBeside, weightsSha256 } from "./save-folder.ts";
import { type Chosen, choiceFacts, chooseOwn, type OwnUsing } from "./using.ts";

/** What a repair did to a model in a folder. */
export interface FolderRepair {
  using: string;
  /** Under the files' own layer names. */
  neurons: string[];
  /** Null: nobody said how the model is asked. */
  ca_before: number | null;
  ca_after: number | null;
  /** How many samples these are of. */
  ca_samples: number | null;
  perplexity_before: number | null;
  perplexity_after: number | null;
  seconds: number;
  /** The model as it is now. */
  model: ForeignModel;
}

/** All that decides what repairs of a model in a folder are. */
export interface FolderJob {
  model: ForeignModel;
  /** What criteria may read; null where they read weights alone. */
  samples: ForeignSamples | null;
  /** What is measured on. */
  kept: ForeignSamples;
  seed: number;
  /** See `chooseOwn`. */
  k?: number;
}

export interface RepairFolderOptions {
  /** Bytes that may be used. */
  memory: number;
  /** What an earlier run of the same command had finished, and where this one's goes. */
  steps: FinishedSteps;
  progress?: Progress;
}

/** What of a model in a folder decides which neurons are chosen. */
export function chosenIn(model: ForeignModel): Chosen {
  let sha256: string | undefined;
  return {
    layers: model.layers,
    layerName: (layer) => model.layerName(layer),
    sha256() {
      sha256 ??= weightsSha256(model);
      return sha256;
    },
  };
}

/** A hash of all that decides a repair: what a repaired folder of the same files and options states (`repair.json`). */
export function folderMadeFrom({ model, samples, kept, seed, k }: FolderJob, using: OwnUsing, chosen: Chosen): string {
  const reads = using.kind === "criterion" && using.criterion.needsData;
  return madeFrom({
    ...modelFacts(model, chosen),
    measured: kept.sha256(),
    read: reads ? samples?.sha256() : undefined,
    using: choiceFacts(using, chosen, seed, k),
  });
}

function modelFacts(model: ForeignModel, chosen: Chosen): object {
  return { weights: chosen.sha256(), beside: hashesBeside(model) };
}

/**
 * Prunes a model in a folder by the neurons that somebody names, and measures it on samples that no criterion saw. One layer is in
 * memory at a time, and nothing of the model's folder changes. Each repair is given as soon as it was measured.
 *
 * @param chosen of this model
 */
export async function* repairModelFolder(
  job: FolderJob,
  chosen: Chosen,
  usings: readonly OwnUsing[],
  { memory, steps, progress = () => undefined }: RepairFolderOptions,
): AsyncGenerator<FolderRepair> {
  const { model, samples, kept, seed, k } = job;
  const facts = modelFacts(model, chosen);
  const criteria = [...new Set(usings.flatMap((using) => (using.kind === "criterion" ? [using.criterion] : [])))];
  const localize = async (read: ForeignSamples | null, by: readonly CleanCriterion[]) =>
    (await inspectFolder(model, read, by, { memory, progress })).findings;
  // Weights are looked at as fast as they are read, so what they say is not kept.
  const weighed = await localize(
    null,
    criteria.filter(({ needsData }) => !needsData),
  );
  const found = new Map<string, Localization>(weighed.map(({ criterion, localization }) => [criterion, localization]));
  for (const criterion of criteria.filter(({ needsData }) => needsData)) {
    const { name, revision } = criterion;
    const step = { ...facts, read: samples!.sha256(), criterion: name, revision };
    const work = async () => (await localize(samples, [criterion]))[0].localization;
    found.set(name, await steps.once(step, localizationStep, work));
  }
  const measure = async (of: ForeignModel, done: number) => {
    const step = () => progress(done, usings.length + 1, "measuring");
    const { quality, asked, perplexity } = await of.read(kept, { memory, threads: THREADS, progress: step });
    return { quality, asked, perplexity };
  };
  const before = await steps.once({ ...facts, measured: kept.sha256() }, measuredStep, () => measure(model, 0));
  for (const [i, using] of usings.entries()) {
    const began = performance.now();
    const { neurons, scores } = await chooseOwn(using, chosen, seed, k, async ({ name }) => found.get(name)!);
    const dead = spareOneOf(model.layers, neurons, scores);
    const repaired = model.without(dead);
    const seconds = (performance.now() - began) / 1000;
    const after = countNeurons(dead) === 0 ? before : await measure(repaired, i + 1);
    yield {
      using: using.name,
      neurons: Object.entries(dead).flatMap(([layer, units]) =>
        units.map((unit) => formatNeuron(model.layerName(layer), unit)),
      ),
      ca_before: before.quality,
      ca_after: after.quality,
      ca_samples: before.quality === null ? null : before.asked,
      perplexity_before: before.perplexity,
      perplexity_after: after.perplexity,
      seconds,
      model: repaired,
    };
  }
}
