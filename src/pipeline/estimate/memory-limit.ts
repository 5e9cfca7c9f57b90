import { totalmem } from "node:os";
import { InputError } from "../../core/errors.ts";
import { MemoryShortage } from "../../engine/session.ts";
import type { Database } from "../../store/database.ts";
import { networkFor, taskOfDataset } from "../../tasks/registry.ts";
import type { Plan, PlannedCandidate, PlannedClean } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import type { Edition } from "../recipe/recipe.ts";
import { batchWithin, stepBytes } from "./memory.ts";

/** Batches that people would choose are multiples of this. */
const ROUND = 16;

/** Bytes that programs may use here in all: the machine's memory, or what its container is allowed. */
export function memoryLimit(): number {
  // 0 or more than there is where nothing constrains.
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** A setting of a recipe that decides how much memory a step takes. */
interface Step {
  setting: "clean.batch" | "inject.batch";
  what: string;
  batch: number;
  dataset: string;
  arch: string;
}

/** The training steps of a clean model. */
export function trainingStep(edition: Edition, planned: PlannedClean): Step {
  const { batch } = settingsFor(edition.clean, planned);
  const { dataset, arch } = planned;
  return { setting: "clean.batch", what: "a training step", batch, dataset, arch };
}

/** The tuning steps of a candidate. */
export function injectionStep(edition: Edition, { key }: PlannedCandidate): Step {
  const { batch } = settingsFor(edition.inject, key);
  const { dataset, arch } = key;
  return { setting: "inject.batch", what: "an injection step", batch, dataset, arch };
}

/**
 * Refuses a plan whose steps cannot fit into memory, before anything is built.
 *
 * @param limit bytes, {@link memoryLimit} as a rule
 * @param built where models that are there already need no step
 * @throws InputError naming the recipe's setting and a batch that fits
 */
export function assertStepsFit(edition: Edition, plan: Plan, limit: number, built: Database | null): void {
  const steps = [
    ...plan.clean
      .filter((planned) => !built?.hasClean(planned.id) && settingsFor(edition.clean, planned).epochs > 0)
      .map((planned) => trainingStep(edition, planned)),
    ...plan.candidates.filter(({ id }) => !built?.hasDefect(id)).map((planned) => injectionStep(edition, planned)),
  ];
  const seen = new Set<string>();
  for (const step of steps) {
    const key = JSON.stringify(step);
    if (seen.has(key)) continue;
    seen.add(key);
    const need = stepBytes(networkOf(step), step.dataset, step.batch);
    if (need <= limit) continue;
    throw new InputError(
      `recipe '${edition.edition}': ${step.setting} ${step.batch} needs more memory than there is: ${step.what} of ` +
        `${step.arch} on ${step.dataset} takes about ${gigabytes(need)}, and ${gigabytes(limit)} are here; ${mend(step, limit)}`,
    );
  }
}

/**
 * Does some work, and says which setting to lower where memory runs out in it all the same: other programs may have
 * taken what the estimate counted on.
 *
 * @throws InputError naming the recipe's setting and a batch that fits what is available, at most half of the present one
 */
export async function explainShortage<T>(edition: Edition, step: Step, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MemoryShortage)) throw error;
    const { setting, batch, arch, dataset } = step;
    throw new InputError(
      `recipe '${edition.edition}': ${setting} ${batch}: memory ran out at ${arch} on ${dataset}; end other programs, or ` +
        mend(step, process.availableMemory(), Math.floor(step.batch / 2)),
    );
  }
}

function mend(step: Step, limit: number, most = step.batch): string {
  const fits = Math.min(batchWithin(networkOf(step), step.dataset, limit), most);
  if (fits < 1)
    return `not even one ${taskOfDataset(step.dataset).words.sample} fits, so choose a narrower architecture`;
  return `set ${step.setting} to ${fits < ROUND ? fits : fits - (fits % ROUND)}`;
}

function networkOf({ dataset, arch }: Step) {
  return networkFor(arch, dataset);
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;
