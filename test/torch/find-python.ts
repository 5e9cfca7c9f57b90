import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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

/** Importing torch takes a second, so the first test file of a run tells the others. */
function search(): TorchPython | undefined {
  const told = process.env.BDEFECTS_TESTS && join(process.env.BDEFECTS_TESTS, "torch-python.json");
  if (told && existsSync(told)) return JSON.parse(readFileSync(told, "utf8")).python;
  const python = ask();
  if (told) {
    const own = `${told}-${process.pid}`;
    writeFileSync(own, JSON.stringify({ python }));
    renameSync(own, told);
  }
  return python;
}

function ask(): TorchPython | undefined {
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
