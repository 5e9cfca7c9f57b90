import type { Budget } from "../../core/budget.ts";
import { formatNeuron } from "../../core/neurons.ts";
import { stopwatch } from "../../core/stopwatch.ts";
import { neuronLayers } from "../../graph/network.ts";
import type { ImageSet } from "../../images/image-set.ts";
import type { CleanCriterion, Localization, Suspect } from "../../localize/types.ts";
import { localizationStep } from "../../records/finished-step.ts";
import type { Repair } from "../../repair/types.ts";
import { sha256Of } from "../../store/objects/objects.ts";
import type { StateDict } from "../../tensor/state.ts";
import { deviceStamp } from "../device/device.ts";
import { assertFits } from "../judging/localize.ts";
import { anonymous, halveClean, NO_AUGMENTATION, noSamples } from "../judging/suspect.ts";
import type { Progress } from "../judging/workbench.ts";
import { type FinishedSteps, madeFrom } from "./finished-steps.ts";
import { cleanAccuracy, type Own } from "./open.ts";
import { type Choice, type Chosen, choiceFacts, chooseOwn, isEmpty, type OwnUsing } from "./using.ts";

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

/** All that decides what repairs of a network of one's own are. */
export interface OwnJob {
  own: Own;
  /** A hash of the file's bytes. */
  fileSha256: string;
  seed: number;
  budget: Budget;
  /** See `chooseOwn`. */
  k?: number;
}

export interface OwnRepairOptions {
  /** Whether a repair is to be made; the others are left out. */
  isWanted(method: Repair, using: OwnUsing): boolean;
  /** What an earlier run of the same command had finished, and where this one's goes. */
  steps: FinishedSteps;
  progress?: Progress;
}

/** A hash of all that decides a repair: what the JSON beside repaired weights of the same files and options states. */
export function ownMadeFrom(job: OwnJob, method: Repair, using: OwnUsing): string {
  const { own, fileSha256, seed, k } = job;
  const { name, revision, fingerprint } = method;
  return madeFrom({
    ...suspectFacts(job),
    file: fileSha256,
    test: own.images && hashOf(own.images.test),
    method: { name, revision, fingerprint },
    using: choiceFacts(using, chosenIn(own), seed, k),
  });
}

/** All that decides what a criterion finds. */
function suspectFacts({ own: { model, images }, seed, budget }: OwnJob): object {
  const { network, normalization, sha256 } = model;
  const clean = images && { images: hashOf(images.clean), augmentation: images.augmentation };
  return { arch: network.arch, model: sha256, normalization, clean, seed, budget, ...deviceStamp() };
}

function hashOf({ pixels, labels }: ImageSet): string {
  return madeFrom([sha256Of(pixels), sha256Of(labels)]);
}

function chosenIn({ model: { network, layerName, sha256 } }: Own): Chosen {
  return { layers: neuronLayers(network), layerName, sha256: () => sha256 };
}

/**
 * Repairs a network of one's own in the neurons that somebody names, each method with each choice, and measures the
 * accuracy on images that neither saw. A criterion runs once, blind as in a study. Each repair is given as soon as it was measured.
 */
export async function* repairModel(
  job: OwnJob,
  methods: readonly Repair[],
  usings: readonly OwnUsing[],
  { isWanted, steps, progress = () => undefined }: OwnRepairOptions,
): AsyncGenerator<OwnRepair> {
  const { own, seed, budget, k } = job;
  const { model, images, runner } = own;
  const clean = images ? halveClean(model.task.inputs, images.clean, seed) : noSamples(model.task, model.network);
  const suspect = (): Suspect => anonymous(model, images?.augmentation ?? NO_AUGMENTATION, clean, runner, seed, budget);
  const wanted = usings.map((using) => ({ using, methods: methods.filter((method) => isWanted(method, using)) }));
  const total = wanted.reduce((sum, { methods: some }) => sum + some.length, 0);
  let done = 0;
  const localized = new Map<string, Localization>();
  const localize = async (criterion: CleanCriterion): Promise<Localization> => {
    const { name, revision, fingerprint } = criterion;
    const before = localized.get(name);
    if (before) return before;
    progress(done, total, name);
    const step = { ...suspectFacts(job), criterion: name, revision, fingerprint };
    const found = await steps.once(step, localizationStep, () => criterion.localize(suspect()));
    assertFits(criterion, model.network, found);
    localized.set(name, found);
    return found;
  };
  const before = await cleanAccuracy(own);
  for (const { using, methods: some } of wanted) {
    if (some.length === 0) continue;
    const choice: Choice = await chooseOwn(using, chosenIn(own), seed, k, localize);
    for (const method of some) {
      progress(done++, total, `${method.name} ${using.name}`);
      const watch = stopwatch();
      const cut = await method.repairByRanking?.(suspect(), choice.neurons, choice.scores);
      const state = cut?.state ?? (await method.repair(suspect(), choice.neurons, choice.scores));
      const changed: Choice = cut ?? choice;
      const seconds = watch();
      yield {
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
      };
    }
  }
}
