import type { Device } from "../../core/device.ts";
import { computeOn } from "../../engine/device.ts";
import { Claim } from "../../store/claims.ts";
import type { CellOutcome } from "../cells.ts";
import type { FromWorker, ToWorker } from "../executors/dispatch.ts";
import { type Judging, withJudging } from "../judge.ts";
import { localizeAll } from "../judge-localize.ts";
import { repairEach } from "../judge-repair.ts";
import { networkKey, type StudyTask } from "./plan.ts";
import { resolveStudy, type Study, type StudyRecipe } from "./recipe.ts";

/** A process that judges one defect after the other, as it is told. */

/** What it is told first. */
export interface StudyOrder {
  dir: string;
  dataDir: string;
  /** A folder for the results in place of the database's own. */
  out?: string;
  /** Where work is claimed. */
  claims: string;
  recipe: StudyRecipe;
  /** Threads of one inference. */
  threads: number;
  /** The study's, which has tried it. */
  device: Device;
}

type Task = Pick<StudyTask, "id" | "versions">;

/** An outcome with its error as text. */
export type ToldOutcome = Omit<CellOutcome, "error"> & { reason?: string };

export type ToldByWorker = ToldOutcome | { warning: string };

type Told = FromWorker<ToldByWorker>;
type Heard = ToWorker<StudyOrder, Task>;

const tell = (message: Told) => process.send?.(message);

// A worker ends with its parent, however that one ended.
process.on("disconnect", () => process.exit(1));

process.once("message", async (first: Heard) => {
  if (first.type !== "order") throw new Error("the order comes first");
  const { dir, dataDir, out, claims, recipe, threads, device } = first.order;
  try {
    computeOn(device);
    const study = resolveStudy(recipe);
    const warn = (warning: string) => tell({ type: "told", told: { warning } });
    await withJudging(
      { db: dir, data: dataDir, seed: recipe.seed, budget: recipe.budget, threads, out, warn },
      async (judging) => {
        tell({ type: "over" });
        let network: string | undefined;
        for (let next = await nextMessage(); next.type === "task"; next = await nextMessage()) {
          const key = networkKey(judging.database.readDefect(next.task.id));
          // Sessions of a network that is done with would only hold memory.
          if (network !== undefined && network !== key) await judging.bench.release();
          network = key;
          tell(await judgeUnderClaim(judging, study, claims, next.task));
        }
      },
    );
    process.exit(0);
  } catch (error) {
    const { name, message, stack } = error as Error;
    process.send?.({ type: "failed", name, message, stack } satisfies Told, () => process.exit(1));
  }
});

function nextMessage(): Promise<Heard> {
  return new Promise((resolve) => process.once("message", resolve));
}

async function judgeUnderClaim(judging: Judging, study: Study, claims: string, task: Task): Promise<Told> {
  const { database, bench } = judging;
  const claim = Claim.take(claims, `judge/${task.id}`);
  if (!claim) return { type: "busy" };
  try {
    // Without its data nothing of a study can be right, so this alone ends all of it.
    const needsData = study.repairs.length > 0 || study.criteria.some((criterion) => criterion.needsData);
    if (needsData) await bench.dataset(database.readDefect(task.id));
    return await judge(judging, study, task).then(
      () => ({ type: "over" }) as const,
      (error) => ({ type: "over", reason: (error as Error).message }) as const,
    );
  } finally {
    claim.release();
  }
}

async function judge({ bench, results }: Judging, { criteria, repairs }: Study, { id, versions }: Task): Promise<void> {
  const listen = ({ error, ...outcome }: CellOutcome) => {
    tell({ type: "told", told: { ...outcome, ...(error && { reason: error.message }) } });
  };
  const items = versions.map((version) => ({ id, version }));
  await localizeAll(bench, results, items, criteria, undefined, listen);
  if (versions.includes("infected")) await repairEach(bench, results, [id], repairs, undefined, listen);
}
