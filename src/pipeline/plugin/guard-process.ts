import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { tellParent } from "../../files/tell-parent.ts";
import { endRemnants } from "./remnants.ts";

/**
 * A process of its own between this program and a plug-in, the first of the namespace or the leader of the process group
 * in which the plug-in runs. Where this program goes away, however it ends, the channel closes, and the guard takes all along.
 */

/** What the guard is told, once. */
export interface GuardOrder {
  words: string[];
  env: Record<string, string | undefined>;
  /** Removed where nobody is left to do it. */
  folder: string;
  cwd: string;
}

/** What it tells, once; it then waits to be ended. */
export type GuardMessage =
  | { type: "unstartable"; code: string }
  | { type: "ended"; status: number | null; signal: string | null };

const tell = (message: GuardMessage) => tellParent(message);

process.once("message", ({ words: [command, ...args], env, folder, cwd }: GuardOrder) => {
  const child = spawn(command, args, { env, cwd, stdio: ["ignore", "ignore", "inherit"] });
  child.on("error", (error: NodeJS.ErrnoException) => tell({ type: "unstartable", code: error.code ?? error.message }));
  child.on("exit", (status, signal) => tell({ type: "ended", status, signal }));
  process.on("disconnect", () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    if (!isFirst()) endRemnants(folder);
    endGroup();
  });
});
// Before the order came.
process.on("disconnect", () => setImmediate(endGroup));

/** Whether all other processes end with this one, by the kernel's doing. */
const isFirst = () => process.pid === 1;

function endGroup(): void {
  if (process.platform !== "win32" && !isFirst()) process.kill(-process.pid, "SIGKILL");
  process.exit(1);
}
