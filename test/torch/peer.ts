import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Random } from "../../src/core/random.ts";
import type { Network } from "../../src/graph/network.ts";
import { parseArch } from "../../src/tasks/registry.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomArray } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "parity.py");
/** The full network in float64 takes its time, on a busy machine most of all. */
const LONGEST_MS = 600_000;

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

let thread: Worker | undefined;

/** Asks PyTorch, in float64; tensors travel as float32. One process answers all requests of a worker. */
export function askTorch(request: PeerRequest, tensors: StateDict): { tensors: StateDict; stdout: string } {
  thread ??= start();
  const folder = mkdtempSync(join(tmpdir(), "bdefects-torch-"));
  try {
    const [input, output] = [join(folder, "in.safetensors"), join(folder, "out.safetensors")];
    writeFileSync(input, encodeState(tensors));
    const named = { ...request, ...(request.arch !== undefined && familyOf(request.arch)) };
    const signal = new Int32Array(new SharedArrayBuffer(4));
    const { port1: here, port2: there } = new MessageChannel();
    thread.postMessage({ order: { request: named, input, output }, port: there, signal }, [there]);
    if (Atomics.wait(signal, 0, 0, LONGEST_MS) === "timed-out") throw new Error(`no answer to ${request.command}`);
    const answer = receiveMessageOnPort(here)?.message as { stdout: string; error?: string };
    here.close();
    if (answer.error !== undefined) throw new Error(answer.error);
    return { tensors: decodeState(readFileSync(output), "PyTorch's answer"), stdout: answer.stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(): Worker {
  const python = findTorchPython();
  if (!python) throw new Error("no Python with torch");
  const workerData = { command: python.command, script: SCRIPT };
  const started = new Worker(new URL("./peer-thread.mjs", import.meta.url), { workerData });
  // It ends with the worker's process, and parity.py with its standard input.
  started.unref();
  return started;
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
