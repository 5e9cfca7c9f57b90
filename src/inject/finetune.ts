import { rates } from "../measure/rates.ts";
import { type Tuned, tuneSubnetwork } from "./backdoor.ts";
import { randomMaskRate } from "./correlation.ts";
import type { Attempt } from "./recipe.ts";
import type { Injected, InjectionJob } from "./types.ts";

/**
 * Injection by fine-tuning exactly the infected neurons (docs/methods.md §7.1): tries the documented settings in order
 * until the held-out gates hold with a margin, and keeps the best one otherwise. The sham takes the same steps on the
 * same samples with their true labels.
 */
export async function finetune(job: InjectionJob): Promise<Injected> {
  const { recipe, gates, runner, backdoor, heldOut } = job;
  const tune = async (attempt: Attempt, labels: "target" | "true", peakSteps?: number): Promise<Tuned> => {
    const tuned = await tuneSubnetwork({
      task: runner.task,
      network: runner.network,
      dataset: job.dataset,
      clean: job.clean,
      infected: job.infected,
      backdoor,
      samples: job.samples,
      recipe,
      attempt,
      restrained: job.style === "discreet",
      labels,
      peakSteps,
      seed: job.seedOf("batches"),
      maskSeed: job.seedOf("training masks"),
      drawOthers: job.drawOthers,
      onStep: (done, total) => job.onStage(`${labels === "target" ? "inject" : "sham"} ${done}/${total}`),
    });
    return { ...tuned, model: job.stored(tuned.model) };
  };

  const reference = await runner.quality(job.clean, heldOut);
  const attempts: Record<string, unknown>[] = [];
  let best: (Tuned & { attempt: Attempt; shortfall: number }) | undefined;
  for (const attempt of recipe.attempts) {
    const { model, peakSteps } = await tune(attempt, "target");
    const found = await rates(runner, model, heldOut, backdoor);
    const drop = reference - found.quality;
    const masked = await randomMaskRate(runner, model, job.randomMasks, heldOut, backdoor);
    attempts.push({
      ...attempt,
      peak_steps_taken: peakSteps,
      held_out_asr: found.success,
      held_out_ca_drop: drop,
      held_out_asr_random_mask: masked,
    });
    const shortfall =
      Math.max(0, gates.asr + recipe.margin.asr - found.success) +
      Math.max(0, drop - gates.ca_drop + recipe.margin.ca_drop) +
      Math.max(0, gates.random_mask_share * found.success + recipe.margin.random_mask - masked);
    if (!best || shortfall < best.shortfall) best = { model, peakSteps, attempt, shortfall };
    if (shortfall === 0) break;
  }
  const { model, attempt, peakSteps } = best!;
  return { model, attempts, sham: async () => (await tune(attempt, "true", peakSteps)).model };
}
