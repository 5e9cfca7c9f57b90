import * as ort from "onnxruntime-web/wasm";
import type { LoadedModel } from "../../../src/engine/runtime.ts";
import { type OnnxRuntimeWeb, webRuntime } from "../../../src/engine/web.ts";
import { sizeOf } from "../../../src/tensor/state.ts";
import type { Answer, Question } from "./messages.ts";

// ONNX Runtime beside the page: compiling it and running a batch hold up this thread, and not the page's.

// Threads need headers that a host of static files does not send.
ort.env.wasm.numThreads = 1;
const runtime = webRuntime(ort as unknown as OnnxRuntimeWeb);
const models = new Map<number, LoadedModel>();

addEventListener("message", async ({ data }: MessageEvent<Question>) => {
  try {
    const [said, transfer] = await answer(data);
    postMessage({ id: data.id, ...said }, { transfer });
  } catch (error) {
    // What C++ throws may be a number.
    const failed = error instanceof Error ? error.message : String(error);
    postMessage({ id: data.id, failed } satisfies Answer);
  }
});

async function answer(question: Question): Promise<[said: object, transfer: ArrayBuffer[]]> {
  if (question.kind === "begin") {
    ort.env.wasm.wasmPaths = { wasm: question.wasm };
    return [{}, []];
  }
  if (question.kind === "open") {
    models.set(question.id, await runtime.open(question.bytes, question.options));
    return [{ model: question.id }, []];
  }
  const model = models.get(question.model)!;
  if (question.kind === "release") {
    models.delete(question.model);
    await model.release();
    return [{}, []];
  }
  const outputs = question.outputs.map((output) => ({ ...output, data: new Float32Array(sizeOf(output.shape)) }));
  await model.run(question.inputs, outputs);
  return [{ outputs: outputs.map(({ data }) => data) }, outputs.map(({ data }) => data.buffer)];
}
