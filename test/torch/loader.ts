import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../../src/graph/network.ts";
import type { Normalization } from "../../src/images/image-set.ts";
import { TORCH_LOADER } from "../../src/store/checkout/torch-loader.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { findTorchPython } from "./find-python.ts";

export const NORMALIZATION: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** What the loader needs of a checkout or a suspect's folder, and further files. */
export function writeLoaderFolder(
  dir: string,
  { arch, nodes, input }: Network,
  state: StateDict,
  files: Record<string, string | Uint8Array> = {},
): string {
  const content = {
    "model.json": JSON.stringify({ arch, nodes, input, ...NORMALIZATION }),
    "model.safetensors": encodeState(state),
    "load_in_torch.py": TORCH_LOADER,
    ...files,
  };
  for (const [name, bytes] of Object.entries(content)) writeFileSync(join(dir, name), bytes);
  return dir;
}

/**
 * Runs Python lines with all that the loader of a folder offers, `FOLDER` its path, and gives back what they leave in `answer`.
 * `fault(work)` is the message of the exception that a call ends in. Whatever Python warns of fails the test.
 */
export function askLoader(folder: string, lines: string): unknown {
  const script = `
import json, os, sys, warnings
import numpy as np, torch
warnings.simplefilter("error")
FOLDER = ${JSON.stringify(folder)}
sys.path.insert(0, FOLDER)
from load_in_torch import *
def fault(work):
    try:
        work()
    except Exception as error:
        return type(error).__name__ + ": " + str(error)
${lines}
print(json.dumps(answer))`;
  const stdout = execFileSync(findTorchPython()!.command, ["-B", "-c", script], {
    encoding: "utf8",
    maxBuffer: 1 << 27,
  });
  return JSON.parse(stdout);
}
