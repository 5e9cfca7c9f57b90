import type { Device } from "../src/core/device.ts";
import type { LlamaShape } from "../src/tasks/language/models/llama.ts";
import type { TorchSetup } from "./torch-setups.ts";

/**
 * What can be timed. `infer` is inference with taps: logits and every neuron's mean over space. `logits` is inference
 * without. `loop` is training as users run it: augmentation and batch preparation around every step.
 */
export const WORKLOADS = ["train", "finetune", "infer", "logits", "loop"] as const;
export type Workload = (typeof WORKLOADS)[number];

/** Where PyTorch computes. */
export const PEER_DEVICES = ["cpu", "cuda"] as const;
export type PeerDevice = (typeof PEER_DEVICES)[number];

/** What one contestant, a process of its own, is told to do: the only argument of its program, as JSON. */
export interface Job {
  what: Workload;
  arch: string;
  family: string;
  base_width: number;
  classes: number;
  /** Of the task; `lanes` trains with Adam and the loss of lanes, `language` with AdamW at every position, `classification` with SGD and cross-entropy. */
  task: string;
  /** Of a network that reads texts. */
  texts?: {
    shape: LlamaShape;
    /** Tokens of each text of the prepared batches; what the tokens are is drawn. */
    lengths: number[];
  };
  /** Pixels of an input. */
  height: number;
  width: number;
  batch: number;
  threads: number;
  /** Where ours computes. */
  device: Device;
  peer_device: PeerDevice;
  torch: TorchSetup;
  /** Neurons to tune (`finetune`). */
  neurons: Record<string, number[]>;
  /** Batches in one epoch of `loop`. */
  epoch_batches: number;
}

/** A contestant's answer once it is warm. */
export interface Warm {
  /** Of the first prepared batch, where the contestant runs the same weights on it as `ours.ts`. */
  logits?: number[];
}

/** A contestant's answer to one turn: how much it did in how long. */
export interface Turn {
  samples: number;
  seconds: number;
}
