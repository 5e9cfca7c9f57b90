import { availableParallelism } from "node:os";
import { workerBytes } from "../estimate/memory.ts";
import type { Plan } from "../plan/plan.ts";
import type { Edition } from "../recipe/recipe.ts";

/** Left to everything else on the machine. */
const MEMORY_SHARE = 0.9;

/** How many worker processes a build gets, and what it was that allowed no more. */
export interface JobChoice {
  jobs: number;
  bound: "cores" | "memory" | "models";
}

/**
 * Chooses the number of worker processes by what the machine has to spare now: as many as the recipe's threads fit
 * into its cores, as their memory fits into what is available, and as there are models to build. Threads are the
 * recipe's and stay as they are (docs/architecture.md, "Determinism").
 *
 * @param left models that are still to be built
 * @param memory bytes that processes can still get, of the machine or of the container
 */
export function chooseJobs(
  edition: Edition,
  plan: Plan,
  left: number,
  cores = availableParallelism(),
  memory = process.availableMemory(),
): JobChoice {
  const need = Math.max(...plan.clean.map((planned) => workerBytes(edition, planned)));
  const limits: JobChoice[] = [
    { bound: "models", jobs: left },
    { bound: "cores", jobs: Math.floor(cores / edition.inject.threads) },
    { bound: "memory", jobs: Math.floor((memory * MEMORY_SHARE) / need) },
  ];
  const tightest = limits.reduce((a, b) => (b.jobs < a.jobs ? b : a));
  return { ...tightest, jobs: Math.max(1, tightest.jobs) };
}
