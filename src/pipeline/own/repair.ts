import type { Budget } from "../../core/budget.ts";
import { formatNeuron } from "../../core/neurons.ts";
import { neuronLayers } from "../../graph/network.ts";
import type { Localization, Suspect } from "../../localize/types.ts";
import type { Repair } from "../../repair/types.ts";
import type { StateDict } from "../../tensor/state.ts";
import { assertFits } from "../judging/localize.ts";
import { anonymous, halveClean, NO_AUGMENTATION, noSamples } from "../judging/suspect.ts";
import type { Progress } from "../judging/workbench.ts";
import { cleanAccuracy, type Own } from "./open.ts";
import { type Choice, chooseOwn, isEmpty, type OwnUsing } from "./using.ts";

/** A repaired network of one's own. */
export interface OwnRepair {
  method: string;
  using: string;
  /** Under the file's own layer names. */
  neurons: string[];
  /** Null: there are no images. */
  ca_before: number | null;
  ca_after: number | null;
  ca_images: number | null;
  seconds: number;
  /** Of a repair that goes by the ranking: what it found. */
  note?: string;
  /** The repaired weights under our names. */
  state: StateDict;
}

export interface OwnRepairOptions {
  seed: number;
  budget: Budget;
  /** See `chooseOwn`. */
  k?: number;
  progress?: Progress;
}

/**
 * Repairs a network of one's own in the neurons that somebody names, each method with each choice, and measures the
 * accuracy on images that neither saw. A criterion runs once, blind as in a study.
 */
export async function repairModel(
  own: Own,
  methods: readonly Repair[],
  usings: readonly OwnUsing[],
  { seed, budget, k, progress = () => undefined }: OwnRepairOptions,
): Promise<OwnRepair[]> {
  const { model, images, runner } = own;
  const clean = images ? halveClean(model.task.inputs, images.clean, seed) : noSamples(model.task, model.network);
  const suspect = (): Suspect => anonymous(model, images?.augmentation ?? NO_AUGMENTATION, clean, runner, seed, budget);
  const { network, layerName, sha256 } = model;
  const chosen = { layers: neuronLayers(network), layerName, sha256: () => sha256 };
  const localized = new Map<string, Promise<Localization>>();
  const before = await cleanAccuracy(own);
  const repairs: OwnRepair[] = [];
  for (const using of usings) {
    const choice: Choice = await chooseOwn(using, chosen, seed, k, (criterion) => {
      const { name } = criterion;
      let found = localized.get(name);
      if (!found) {
        progress(repairs.length, methods.length * usings.length, name);
        found = criterion.localize(suspect()).then((localization) => {
          assertFits(criterion, model.network, localization);
          return localization;
        });
        localized.set(name, found);
      }
      return found;
    });
    for (const method of methods) {
      progress(repairs.length, methods.length * usings.length, `${method.name} ${using.name}`);
      const began = performance.now();
      const cut = await method.repairByRanking?.(suspect(), choice.neurons, choice.scores);
      const state = cut?.state ?? (await method.repair(suspect(), choice.neurons, choice.scores));
      const changed: Choice = cut ?? choice;
      const seconds = (performance.now() - began) / 1000;
      repairs.push({
        method: method.name,
        using: using.name,
        neurons: Object.entries(changed.neurons).flatMap(([layer, channels]) =>
          channels.map((c) => formatNeuron(model.layerName(layer), c)),
        ),
        ca_before: before,
        ca_after: isEmpty(changed) ? before : await cleanAccuracy(own, state),
        ca_images: images?.test.count ?? null,
        seconds,
        ...(cut && { note: cut.note }),
        state,
      });
    }
  }
  return repairs;
}
