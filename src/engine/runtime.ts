import type { Device } from "../core/device.ts";

/** A named tensor of float32 values, in row-major order. */
export interface Values {
  name: string;
  data: Float32Array;
  shape: readonly number[];
}

/** How a model is opened. */
export interface OpenOptions {
  device: Device;
  /** Threads within an operator. */
  threads: number;
  /** Whether one block of memory is planned for all of a run. */
  planned: boolean;
}

/** A model that a runtime has loaded. */
export interface LoadedModel {
  /** Computes the outputs from the inputs, into the arrays given for them. @throws Error with the runtime's reason */
  run(inputs: readonly Values[], outputs: readonly Values[]): Promise<void>;
  release(): Promise<void>;
}

/** ONNX Runtime on one platform: `node.ts`, `web.ts`. */
export interface OnnxRuntime {
  /** Package and version, for records. */
  readonly version: string;
  /** @param model a serialized ONNX model. @throws Error with the runtime's reason */
  open(model: Uint8Array, options: OpenOptions): Promise<LoadedModel>;
}

let load: () => Promise<OnnxRuntime> = async () => (await import("./node.ts")).onnxRuntime;

/** Names the runtime of this program, before its first session; without that it is Node's. */
export function computeWith(runtime: OnnxRuntime): void {
  load = async () => runtime;
}

/** The runtime of this program, loaded on first use: it is large, and few commands compute. */
export function onnxRuntime(): Promise<OnnxRuntime> {
  return load();
}
