import { execFileSync } from "node:child_process";

export interface TorchPython {
  /** The interpreter's command or path. */
  command: string;
  torch: string;
}

let found: { python: TorchPython | undefined } | undefined;

/**
 * A Python that can import torch and numpy: `BDEFECTS_PYTHON` where it is set (and nothing else then), else `python3`
 * of the PATH, else the system's. Undefined where there is none: parity tests are skipped, benchmarks have no peer.
 */
export function findTorchPython(): TorchPython | undefined {
  found ??= { python: search() };
  return found.python;
}

function search(): TorchPython | undefined {
  const named = process.env.BDEFECTS_PYTHON;
  for (const command of named ? [named] : ["python3", "/usr/bin/python3"]) {
    try {
      const torch = execFileSync(command, ["-c", "import numpy, torch; print(torch.__version__)"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 120_000,
      }).trim();
      return { command, torch };
    } catch {
      // No such interpreter, or one without torch: try the next.
    }
  }
  return undefined;
}
