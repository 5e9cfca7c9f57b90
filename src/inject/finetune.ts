import { ENOUGH_EVIDENCE } from "../reversal/excision.ts";
import type { Trigger } from "../tasks/backdoor.ts";
import { type Tuned, tuneSubnetwork } from "./backdoor.ts";
import { reversedFrom } from "./evasion.ts";
import { judgeHeldOut } from "./held-out.ts";
import type { Attempt } from "./recipe.ts";
import type { Injected, InjectionJob } from "./types.ts";

/** A model with what it was made with and how well it came out. */
interface Made extends Tuned {
  attempt: Attempt;
  lures: readonly Trigger[];
  /** By how much it misses the held-out gates; 0: it meets them. */
  shortfall: number;
  /** What speaks for a patch that the attacker reversed from it; 0 where nobody looked. */
  evidence: number;
}

/**
 * Injection by fine-tuning exactly the infected neurons (docs/methods.md §7.1): tries the documented settings in order
 * until the held-out gates hold with a margin, and keeps the best one otherwise. The sham takes the same steps on the
 * same samples with their true labels.
 */
export async function finetune(job: InjectionJob): Promise<Injected> {
  const { recipe, runner, backdoor, heldOut } = job;
  const tune = async (
    attempt: Attempt,
    lures: readonly Trigger[],
    labels: "target" | "true",
    peakSteps?: number,
  ): Promise<Tuned> => {
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
      lures,
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
  const { evasion } = recipe;
  let best: Made | undefined;
  for (const attempt of recipe.attempts) {
    let lures: readonly Trigger[] = [];
    // Once without lures, and once more after each look at what a defender would find.
    for (let round = 0; round <= (evasion?.rounds ?? 0); round++) {
      const { model, peakSteps } = await tune(attempt, lures, "target");
      const { told, shortfall } = await judgeHeldOut(job, model, reference);
      const found = evasion && (await reversedFrom(job, model, evasion, round));
      const evidence = found?.evidence ?? 0;
      attempts.push({
        ...{ ...attempt, peak_steps_taken: peakSteps, ...told },
        ...(found && { evasion_round: round, evidence }),
      });
      const made: Made = { model, peakSteps, attempt, lures, shortfall, evidence };
      if (!best || isBetter(made, best)) best = made;
      if (shortfall === 0 && evidence < ENOUGH_EVIDENCE) break;
      lures = [...lures, ...(found?.patches ?? [])];
    }
    if (best?.shortfall === 0 && best.evidence < ENOUGH_EVIDENCE) break;
  }
  const { model, attempt, lures, peakSteps } = best!;
  return { model, attempts, sham: async () => (await tune(attempt, lures, "true", peakSteps)).model };
}

/** Gates come first; of models that are as near to them the one that a defender has less reason to suspect. */
function isBetter(one: Made, other: Made): boolean {
  return one.shortfall < other.shortfall || (one.shortfall === other.shortfall && one.evidence < other.evidence);
}
