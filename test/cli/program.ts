import { spawnSync } from "node:child_process";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built program as a user would, without the environment's defaults for its options. */
export function bdefects(args: string[], env: Record<string, string> = {}, cwd?: string): Ran {
  const { BDEFECTS_DB: _, BDEFECTS_DATA: __, BDEFECTS_DEVICE: ___, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    cwd,
    env: { ...rest, ...env },
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** The rows that a verb prints with `--format json`; fails where it did not succeed. */
export function rowsOf(args: string[]): Record<string, unknown>[] {
  const { status, stdout, stderr } = bdefects([...args, "--format", "json"]);
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
