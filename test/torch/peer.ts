import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/core/random.ts";
import type { Network } from "../../src/graph/network.ts";
import { parseArch } from "../../src/tasks/registry.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomArray } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "parity.py");

/** The arguments of one command of `parity.py`. */
export interface PeerRequest {
  command:
    | "gradients"
    | "sgd"
    | "adam"
    | "adamw"
    | "tune_rows"
    | "anp"
    | "nc"
    | "response"
    | "features"
    | "agreement"
    | "infer"
    | "describe";
  /** One of our architectures; without it a `folder` with a loader and a `model.json`. */
  arch?: string;
  classes: number;
  [option: string]: unknown;
}

function familyOf(arch: string): { family: string; base_width: number } {
  const { family, baseWidth } = parseArch(arch);
  return { family, base_width: baseWidth };
}

/** Asks PyTorch, in float64; tensors travel as float32. */
export function askTorch(request: PeerRequest, tensors: StateDict): { tensors: StateDict; stdout: string } {
  const python = findTorchPython();
  if (!python) throw new Error("no Python with torch");
  const folder = mkdtempSync(join(tmpdir(), "bdefects-torch-"));
  try {
    const [input, output] = [join(folder, "in.safetensors"), join(folder, "out.safetensors")];
    writeFileSync(input, encodeState(tensors));
    const stdout = execFileSync(
      python.command,
      [
        "-B",
        SCRIPT,
        JSON.stringify({ ...request, ...(request.arch !== undefined && familyOf(request.arch)) }),
        input,
        output,
      ],
      {
        encoding: "utf8",
        timeout: 120_000,
      },
    );
    return { tensors: decodeState(readFileSync(output), "PyTorch's answer"), stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Batch {
  images: Float32Array;
  targets: Float32Array;
}

/** Seeded noise images with one-hot labels. */
export function randomBatch(network: Network, batch: number, random: Random): Batch {
  const { channels, height, width } = network.input;
  const targets = new Float32Array(batch * network.classes);
  for (let i = 0; i < batch; i++) targets[i * network.classes + random.below(network.classes)] = 1;
  return { images: randomArray(batch * channels * height * width, random), targets };
}

/** Batches as tensors `input#i`, `targets#i`. */
export function batchTensors(network: Network, batches: Batch[]): StateDict {
  const { channels, height, width } = network.input;
  const tensors: StateDict = new Map();
  batches.forEach(({ images, targets }, i) => {
    const count = targets.length / network.classes;
    tensors.set(`input#${i}`, { shape: [count, channels, height, width], data: images });
    tensors.set(`targets#${i}`, { shape: [count, network.classes], data: targets });
  });
  return tensors;
}

/** ‖actual − expected‖ relative to ‖expected − start‖: how much of a parameter's movement is wrong. */
export function movementError(actual: Float32Array, expected: Float32Array, start: Float32Array): number {
  let wrong = 0;
  let moved = 0;
  for (let i = 0; i < start.length; i++) {
    wrong += (actual[i] - expected[i]) ** 2;
    moved += (expected[i] - start[i]) ** 2;
  }
  return Math.sqrt(wrong / Math.max(moved, 1e-20));
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
