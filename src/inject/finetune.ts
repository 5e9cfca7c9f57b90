import { type Tuned, tuneSubnetwork } from "./backdoor.ts";
import { judgeHeldOut } from "./held-out.ts";
import type { Attempt } from "./recipe.ts";
import type { Injected, InjectionJob } from "./types.ts";

/**
 * Injection by fine-tuning exactly the infected neurons (docs/methods.md §7.1): tries the documented settings in order
 * until the held-out gates hold with a margin, and keeps the best one otherwise. The sham takes the same steps on the
 * same samples with their true labels.
 */
export async function finetune(job: InjectionJob): Promise<Injected> {
  const { recipe, runner, backdoor, heldOut } = job;
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
    const { told, shortfall } = await judgeHeldOut(job, model, reference);
    attempts.push({ ...attempt, peak_steps_taken: peakSteps, ...told });
    if (!best || shortfall < best.shortfall) best = { model, peakSteps, attempt, shortfall };
    if (shortfall === 0) break;
  }
  const { model, attempt, peakSteps } = best!;
  return { model, attempts, sham: async () => (await tune(attempt, "true", peakSteps)).model };
}
