import { countNeurons, formatNeuron } from "../../core/neurons.ts";
import type { Localization } from "../../localize/types.ts";
import { spareOneOf } from "../../repair/prune.ts";
import type { ForeignModel, ForeignSamples } from "../../tasks/foreign-models.ts";
import type { Progress } from "../judging/workbench.ts";
import { inspectFolder, THREADS } from "./inspect-folder.ts";
import { weightsSha256 } from "./save-folder.ts";
import { type Chosen, chooseOwn, type OwnUsing } from "./using.ts";

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

export interface RepairFolderOptions {
  /** Bytes that may be used. */
  memory: number;
  seed: number;
  /** See `chooseOwn`. */
  k?: number;
  progress?: Progress;
}

/** What of a model in a folder decides which neurons are chosen. */
export function chosenIn(model: ForeignModel): Chosen {
  return {
    layers: model.layers,
    layerName: (layer) => model.layerName(layer),
    sha256: () => weightsSha256(model),
  };
}

/**
 * Prunes a model in a folder by the neurons that somebody names, and measures it on samples that no criterion saw. One layer is in
 * memory at a time, and nothing on the disk changes.
 *
 * @param samples what criteria may read; null where they read weights alone
 * @param kept what is measured on
 */
export async function repairModelFolder(
  model: ForeignModel,
  samples: ForeignSamples | null,
  kept: ForeignSamples,
  usings: readonly OwnUsing[],
  { memory, seed, k, progress = () => undefined }: RepairFolderOptions,
): Promise<FolderRepair[]> {
  const criteria = [...new Set(usings.flatMap((using) => (using.kind === "criterion" ? [using.criterion] : [])))];
  const { findings } = await inspectFolder(model, samples, criteria, { memory, progress });
  const found = new Map<string, Localization>(findings.map(({ criterion, localization }) => [criterion, localization]));
  const measure = (of: ForeignModel, done: number) =>
    of.read(kept, { memory, threads: THREADS, progress: () => progress(done, usings.length + 1, "measuring") });
  const before = await measure(model, 0);
  const repairs: FolderRepair[] = [];
  for (const using of usings) {
    const began = performance.now();
    const { neurons, scores } = await chooseOwn(using, chosenIn(model), seed, k, async ({ name }) => found.get(name)!);
    const dead = spareOneOf(model.layers, neurons, scores);
    const repaired = model.without(dead);
    const seconds = (performance.now() - began) / 1000;
    const after = countNeurons(dead) === 0 ? before : await measure(repaired, repairs.length + 1);
    repairs.push({
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
    });
  }
  return repairs;
}
