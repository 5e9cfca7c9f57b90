import { lookup } from "../../core/errors.ts";
import { computeOn } from "../../engine/device.ts";
import { tellParent } from "../../files/tell-parent.ts";
import type { Criterion } from "../../localize/types.ts";
import { REPAIRED_VERSIONS, repairedVersion } from "../../records/repair.ts";
import type { Repair } from "../../repair/types.ts";
import { Claim } from "../../store/claims.ts";
import type { FromWorker, ToWorker } from "../executors/dispatch.ts";
import type { CellOutcome } from "./cells.ts";
import { criteriaNamed } from "./criteria.ts";
import { type Judging, unseenFolders, withJudging } from "./judge.ts";
import { localizeAll } from "./localize.ts";
import { methodsNamed } from "./methods.ts";
import { repairEach } from "./repair.ts";
import { type JudgeOrder, type JudgeTask, networkKey, type ToldByWorker } from "./task.ts";
import { parseUsing } from "./using.ts";

/** A process that judges one defect after the other, as it is told. */

type Told = FromWorker<ToldByWorker>;
type Heard = ToWorker<JudgeOrder, JudgeTask>;

const tell = (message: Told) => tellParent(message);

// A worker ends with its parent, however that one ended.
process.on("disconnect", () => process.exit(1));

process.once("message", async (first: Heard) => {
  if (first.type !== "order") throw new Error("the order comes first");
  const { dir, dataDir, claims, device, pluginTimeout, ...options } = first.order;
  try {
    computeOn(device);
    const unseen = unseenFolders({ db: dir, out: options.out });
    const criteria = new Map(
      criteriaNamed(options.criteria, { timeout: pluginTimeout, unseen }).map((found) => [found.name, found]),
    );
    const methods = new Map(
      methodsNamed(options.methods, { timeout: pluginTimeout, unseen }).map((found) => [found.name, found]),
    );
    const warn = (warning: string) => tell({ type: "told", told: { warning } });
    await withJudging({ ...options, db: dir, data: dataDir, warn }, async (judging) => {
      tell({ type: "over" });
      let network: string | undefined;
      for (let next = await nextMessage(); next.type === "task"; next = await nextMessage()) {
        const key = networkKey(judging.database.readDefect(next.task.id));
        // Sessions of a network that is done with would only hold memory.
        if (network !== undefined && network !== key) await judging.bench.release();
        network = key;
        const wanted = next.task.criteria.map((name) => lookup(criteria, "criterion", name));
        tell(await judgeUnderClaim(judging, claims, next.task, wanted, methods));
      }
    });
    process.exit(0);
  } catch (error) {
    const { name, message, stack } = error as Error;
    process.send?.({ type: "failed", name, message, stack } satisfies Told, () => process.exit(1));
  }
});

function nextMessage(): Promise<Heard> {
  return new Promise((resolve) => process.once("message", resolve));
}

async function judgeUnderClaim(
  judging: Judging,
  claims: string,
  task: JudgeTask,
  criteria: readonly Criterion[],
  methods: ReadonlyMap<string, Repair>,
): Promise<Told> {
  const { database, bench } = judging;
  const claim = Claim.take(claims, `judge/${task.id}`);
  if (!claim) return { type: "busy" };
  try {
    // Without its data nothing can be right, so this alone ends all of it.
    const needsData = task.repairs.length > 0 || criteria.some((criterion) => criterion.needsData);
    if (needsData) await bench.dataset(database.readDefect(task.id));
    return await judge(judging, task, criteria, methods).then(
      () => ({ type: "over" }) as const,
      (error) => ({ type: "over", reason: (error as Error).message }) as const,
    );
  } finally {
    claim.release();
  }
}

async function judge(
  { bench, results }: Judging,
  { id, versions, repairs }: JudgeTask,
  criteria: readonly Criterion[],
  methods: ReadonlyMap<string, Repair>,
): Promise<void> {
  const listen = ({ error, ...outcome }: CellOutcome) => {
    tell({ type: "told", told: { ...outcome, ...(error && { reason: error.message }) } });
  };
  const items = versions.map((version) => ({ id, version }));
  await localizeAll(bench, results, items, criteria, undefined, listen);
  // Version by version: each is a model of its own.
  for (const version of REPAIRED_VERSIONS) {
    const ofVersion = repairs.filter((repair) => repairedVersion(repair) === version);
    const ways = ofVersion.map(({ method, using }) => ({
      method: lookup(methods, "repair", method),
      using: parseUsing(using),
    }));
    if (ways.length > 0) await repairEach(bench, results, [{ id, version }], ways, undefined, listen);
  }
}
