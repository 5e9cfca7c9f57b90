import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownIdentity } from "../../src/files/process-identity.ts";

/** The pid of a process that has ended. */
export function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

/** What a killed process leaves of a staging folder in `parent`. @returns its path */
export function leaveStaging(parent: string, label: string, owner: Record<string, unknown> = {}): string {
  const identity = { format: "bdefects4nn-staging", ...ownIdentity(), pid: deadPid(), ...owner };
  const stage = join(parent, `${label}-${identity.pid}-0123456789ab.stage`);
  mkdirSync(join(stage, "content"), { recursive: true });
  writeFileSync(join(stage, "content", "half"), "half");
  writeFileSync(join(stage, "bdefects-staging.json"), JSON.stringify(identity));
  return stage;
}
