import "./no-telemetry.ts";
import ort from "onnxruntime-node";
import type { LoadedModel, OnnxRuntime, OpenOptions, Values } from "./runtime.ts";
import { keepWebGpu } from "./webgpu.ts";

/** ONNX Runtime under Node. Inputs are passed without a copy, and outputs land in the arrays given for them. */
export const onnxRuntime: OnnxRuntime = {
  version: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`,
  async open(model, { device, threads, planned }: OpenOptions) {
    if (device === "webgpu") await keepWebGpu();
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [device],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      enableMemPattern: planned,
      // What goes wrong is thrown; the log would say it once more.
      logSeverityLevel: 4,
    });
    return new NodeModel(session);
  },
};

class NodeModel implements LoadedModel {
  private readonly session: ort.InferenceSession;

  constructor(session: ort.InferenceSession) {
    this.session = session;
  }

  async run(inputs: readonly Values[], outputs: readonly Values[]): Promise<void> {
    await this.session.run(tensorsOf(inputs), tensorsOf(outputs));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

function tensorsOf(values: readonly Values[]): Record<string, ort.Tensor> {
  return Object.fromEntries(values.map(({ name, data, shape }) => [name, new ort.Tensor("float32", data, shape)]));
}
