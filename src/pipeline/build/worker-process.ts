import type { Device } from "../../core/device.ts";
import { computeOn } from "../../engine/device.ts";
import { tellParent } from "../../files/tell-parent.ts";
import { openDatabase } from "../../store/database.ts";
import type { Plan } from "../plan/plan.ts";
import type { Edition } from "../recipe/recipe.ts";
import { type BuildContext, DatasetCache, type ProgressEvent } from "./context.ts";
import { work } from "./worker.ts";

/** What a builder tells its worker process, once. */
export interface WorkerOrder {
  dir: string;
  edition: Edition;
  dataDir: string;
  plan: Plan;
  /** The builder's, which has tried it. */
  device: Device;
}

/** What a worker process tells its builder. */
export type WorkerMessage =
  | { type: "progress"; event: ProgressEvent }
  | { type: "finished" }
  | { type: "failed"; name: string; message: string; stack?: string };

function tell(message: WorkerMessage): void {
  tellParent(message);
}

// A worker ends with its parent, however that one ended.
process.on("disconnect", () => process.exit(1));

process.once("message", async ({ dir, edition, dataDir, plan, device }: WorkerOrder) => {
  try {
    computeOn(device);
    const db = await openDatabase(dir);
    const report = (event: ProgressEvent) => tell({ type: "progress", event });
    const context: BuildContext = { db, edition, dataDir, report, datasets: new DatasetCache(dataDir, edition.seed) };
    await work(context, plan);
    process.send?.({ type: "finished" } satisfies WorkerMessage, () => process.exit(0));
  } catch (error) {
    const { name, message, stack } = error as Error;
    process.send?.({ type: "failed", name, message, stack } satisfies WorkerMessage, () => process.exit(1));
  }
});
