import { countNeurons, formatNeuron } from "../../core/neurons.ts";
import type { Normalization } from "../../images/image-set.ts";
import type { CleanCriterion, Localization, Suspect } from "../../localize/types.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import type { ModelRunner } from "../../measure/runner.ts";
import { localizationStep, measuredStep } from "../../records/finished-step.ts";
import { prune, spareOneOf } from "../../repair/prune.ts";
import type { Repair } from "../../repair/types.ts";
import type { ForeignModel, ForeignSamples, WholeModel } from "../../tasks/foreign-models.ts";
import type { Task } from "../../tasks/task.ts";
import { anonymous, halveClean, NO_AUGMENTATION } from "../judging/suspect.ts";
import type { Progress } from "../judging/workbench.ts";
import { type FinishedSteps, madeFrom } from "./finished-steps.ts";
import { inspectFolder, THREADS } from "./inspect-folder.ts";
import { hashesBeside, weightsSha256 } from "./save-folder.ts";
import { type Chosen, choiceFacts, chooseOwn, type OwnUsing } from "./using.ts";

/** What a repair did to a model in a folder. */
export interface FolderRepair {
  method: string;
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

/** What methods that train need. */
export interface Training {
  task: Task;
  whole: WholeModel;
}

/** Samples in folders are no pictures. */
const NOTHING: Normalization = { mean: [0, 0, 0], std: [1, 1, 1] };

/** All that decides what repairs of a model in a folder are. */
export interface FolderJob {
  model: ForeignModel;
  /** What criteria may read; null where they read weights alone. */
  samples: ForeignSamples | null;
  /** What is measured on. */
  kept: ForeignSamples;
  /** For methods that train, the model's task and all of it with what it is trained on; null where none does. */
  training: Training | null;
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
export function folderMadeFrom(
  { model, samples, kept, training, seed, k }: FolderJob,
  { name, revision }: Repair,
  using: OwnUsing,
  chosen: Chosen,
): string {
  const reads = using.kind === "criterion" && using.criterion.needsData;
  return madeFrom({
    ...modelFacts(model, chosen),
    measured: kept.sha256(),
    read: reads ? samples?.sha256() : undefined,
    using: choiceFacts(using, chosen, seed, k),
    ...(name !== prune.name && { method: { name, revision }, trained: training!.whole.sha256(), seed }),
  });
}

function modelFacts(model: ForeignModel, chosen: Chosen): object {
  return { weights: chosen.sha256(), beside: hashesBeside(model) };
}

/**
 * Repairs a model in a folder in the neurons that somebody names, and measures it on samples that neither criteria nor training saw. One layer
 * is in memory at a time, of methods that train all of it, and nothing of the model's folder changes. Each repair is given as soon as it was
 * measured.
 *
 * @param chosen of this model @param wanted each repair that is to be made
 */
export async function* repairModelFolder(
  job: FolderJob,
  chosen: Chosen,
  wanted: readonly { method: Repair; using: OwnUsing }[],
  { memory, steps, progress = () => undefined }: RepairFolderOptions,
): AsyncGenerator<FolderRepair> {
  const { model, samples, kept, training, seed, k } = job;
  const usings = [...new Set(wanted.map(({ using }) => using))];
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
    const step = () => progress(done, wanted.length + 1, "measuring");
    const { quality, asked, perplexity } = await of.read(kept, { memory, threads: THREADS, progress: step });
    return { quality, asked, perplexity };
  };
  const before = await steps.once({ ...facts, measured: kept.sha256() }, measuredStep, () => measure(model, 0));
  const runner = training && (await createRunner(training.task, training.whole.network, NOTHING, { threads: THREADS }));
  const suspect = runner && suspectOf(training, chosen, seed, runner);
  try {
    for (const [i, { method, using }] of wanted.entries()) {
      const began = performance.now();
      const choice = await chooseOwn(using, chosen, seed, k, async ({ name }) => found.get(name)!);
      const isPruned = method.name === prune.name;
      const neurons = isPruned ? spareOneOf(model.layers, choice.neurons, choice.scores) : choice.neurons;
      if (!isPruned) progress(i, wanted.length + 1, "training");
      const repaired = isPruned
        ? model.without(neurons)
        : model.tuned(neurons, await method.repair(suspect!, neurons, choice.scores));
      const seconds = (performance.now() - began) / 1000;
      const after = countNeurons(neurons) === 0 ? before : await measure(repaired, i + 1);
      yield {
        method: method.name,
        using: using.name,
        neurons: Object.entries(neurons).flatMap(([layer, units]) =>
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
  } finally {
    await runner?.release();
  }
}

/** The model for methods that train, under a name and with a seed that its weights decide. */
function suspectOf(
  { task, whole: { network, state, samples } }: Training,
  { sha256 }: Chosen,
  seed: number,
  runner: ModelRunner,
): Suspect {
  const model = { task, network, state, sha256: sha256(), normalization: NOTHING };
  return anonymous(model, NO_AUGMENTATION, halveClean(task.inputs, samples, seed), runner, seed, "short");
}
