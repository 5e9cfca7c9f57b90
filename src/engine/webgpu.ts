import "./no-telemetry.ts";
import ort from "onnxruntime-node";
import { GraphBuilder } from "../graph/onnx.ts";

let kept: Promise<unknown> | undefined;

/**
 * Opens the WebGPU device and keeps it for as long as the process lives. The runtime lets go of it, and of every shader
 * that was compiled for it, with the last session there; a process that opens one session after another would compile
 * the same shaders again and again. A session that is never released prevents that.
 *
 * @throws Error with the runtime's reason where there is no such device
 */
export async function keepWebGpu(): Promise<void> {
  kept ??= openSmallest();
  try {
    await kept;
  } catch (error) {
    kept = undefined;
    throw error;
  }
}

function openSmallest(): Promise<unknown> {
  const graph = new GraphBuilder();
  graph.input("x", [1]);
  graph.output("y", graph.op("Neg", ["x"]), [1]);
  const options = { executionProviders: ["webgpu"], intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  return ort.InferenceSession.create(graph.finish().model, options);
}
