import { rates } from "../measure/rates.ts";
import { type Tuned, tuneSubnetwork } from "./backdoor.ts";
import { randomMaskRate } from "./correlation.ts";
import type { Attempt } from "./recipe.ts";
import type { Injected, InjectionTask } from "./types.ts";

/**
 * Injection by fine-tuning exactly the infected neurons (docs/methods.md §7.1): tries the documented settings in order
 * until the held-out gates hold with a margin, and keeps the best one otherwise. The sham takes the same steps on the
 * same images with their true labels.
 */
export async function finetune(task: InjectionTask): Promise<Injected> {
  const { recipe, gates, runner, backdoor, heldOut } = task;
  const tune = async (attempt: Attempt, labels: "target" | "true", peakSteps?: number): Promise<Tuned> => {
    const tuned = await tuneSubnetwork({
      network: runner.network,
      dataset: task.dataset,
      clean: task.clean,
      infected: task.infected,
      backdoor,
      images: task.images,
      recipe,
      attempt,
      restrained: task.style === "discreet",
      labels,
      peakSteps,
      seed: task.seedOf("batches"),
      maskSeed: task.seedOf("training masks"),
      drawOthers: task.drawOthers,
      onStep: (done, total) => task.onStage(`${labels === "target" ? "inject" : "sham"} ${done}/${total}`),
    });
    return { ...tuned, model: task.stored(tuned.model) };
  };

  const reference = await runner.accuracy(task.clean, heldOut);
  const attempts: Record<string, unknown>[] = [];
  let best: (Tuned & { attempt: Attempt; shortfall: number }) | undefined;
  for (const attempt of recipe.attempts) {
    const { model, peakSteps } = await tune(attempt, "target");
    const found = await rates(runner, model, heldOut, backdoor);
    const drop = reference - found.ca;
    const masked = await randomMaskRate(runner, model, task.randomMasks, heldOut, backdoor);
    attempts.push({
      ...attempt,
      peak_steps_taken: peakSteps,
      held_out_asr: found.asr,
      held_out_ca_drop: drop,
      held_out_asr_random_mask: masked,
    });
    const shortfall =
      Math.max(0, gates.asr + recipe.margin.asr - found.asr) +
      Math.max(0, drop - gates.ca_drop + recipe.margin.ca_drop) +
      Math.max(0, gates.random_mask_share * found.asr + recipe.margin.random_mask - masked);
    if (!best || shortfall < best.shortfall) best = { model, peakSteps, attempt, shortfall };
    if (shortfall === 0) break;
  }
  const { model, attempt, peakSteps } = best!;
  return { model, attempts, sham: async () => (await tune(attempt, "true", peakSteps)).model };
}
