import { setTimeout as sleep } from "node:timers/promises";
import { Claim } from "../../store/claims.ts";
import { exists } from "../../store/disk/fs.ts";
import { explainShortage, injectionStep, trainingStep } from "../estimate/memory-limit.ts";
import type { Plan } from "../plan/plan.ts";
import { buildCandidate } from "./candidate-stage.ts";
import { type CleanBench, openCleanBench } from "./clean-bench.ts";
import { buildClean } from "./clean-stage.ts";
import type { BuildContext } from "./context.ts";

/** How long a worker waits where all that is left is in others' hands. */
const IDLE_MS = 300;

/**
 * Builds whatever of a plan is neither done nor claimed, until all of it is done. Any number of workers, on any
 * number of machines that share the folder, may do this at once.
 */
export async function work(context: BuildContext, plan: Plan): Promise<void> {
  const { db, edition } = context;
  const claims = db.layout.path("claims");
  let bench: CleanBench | undefined;
  await forgetCheckpoints(context, plan);
  try {
    for (;;) {
      let waiting = false;
      let worked = false;
      for (const planned of plan.clean) {
        if (db.hasClean(planned.id)) continue;
        const done = await underClaim(claims, planned.id, async () => {
          if (db.hasClean(planned.id)) return;
          await explainShortage(edition, trainingStep(edition, planned), () => buildClean(context, planned));
        });
        worked ||= done;
        waiting ||= !done;
      }
      for (const planned of plan.candidates) {
        if (db.hasDefect(planned.id)) continue;
        if (!db.hasClean(planned.clean)) {
          waiting = true;
          continue;
        }
        const done = await underClaim(claims, planned.id, async () => {
          if (db.hasDefect(planned.id)) return;
          await explainShortage(edition, injectionStep(edition, planned), async () => {
            if (bench?.record.id !== planned.clean) {
              await bench?.runner.release();
              bench = await openCleanBench(context, planned.clean);
            }
            await buildCandidate(context, planned, bench);
          });
        });
        worked ||= done;
        waiting ||= !done;
      }
      if (!waiting && !worked) return;
      if (!worked) await sleep(IDLE_MS);
    }
  } finally {
    await bench?.runner.release();
  }
}

/** A kill between a clean model's record and the end of its stage leaves the last checkpoint behind. */
async function forgetCheckpoints({ db }: BuildContext, plan: Plan): Promise<void> {
  for (const { id } of plan.clean) {
    if (!db.hasClean(id) || !exists(db.layout.checkpoint(id))) continue;
    await underClaim(db.layout.path("claims"), id, async () => db.dropCheckpoint(id));
  }
}

/** @returns whether the claim was free, and so the work is done. */
async function underClaim(folder: string, name: string, work: () => Promise<void>): Promise<boolean> {
  const claim = Claim.take(folder, name);
  if (!claim) return false;
  try {
    await work();
    return true;
  } finally {
    claim.release();
  }
}
