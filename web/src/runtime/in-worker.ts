// Asked for by the page, so that the bundler lists its licence.
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type { OnnxRuntime } from "../../../src/engine/runtime.ts";
import type { Answer, Question } from "./messages.ts";

type Asked = Question extends infer Each ? (Each extends Question ? Omit<Each, "id"> : never) : never;

/** ONNX Runtime in a worker of this page, which starts at once. Inputs are copied to it. */
export function runtimeInWorker(): OnnxRuntime {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  let last = 0;
  let broken: Error | undefined;
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if ("failed" in data) asked?.reject(new Error(data.failed));
    else asked?.resolve(data);
  });
  // A worker that cannot be loaded answers nothing.
  worker.addEventListener("error", ({ message }) => {
    broken = new Error(message || "the runtime's script could not be loaded");
    for (const { reject } of waiting.values()) reject(broken);
    waiting.clear();
  });
  const ask = (question: Asked): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (broken) return reject(broken);
      const id = ++last;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, ...question });
    });
  void ask({ kind: "begin", wasm: new URL(wasmUrl, document.baseURI).href }).catch(() => undefined);
  return {
    version: "onnxruntime-web",
    async open(bytes, options) {
      const { model } = (await ask({ kind: "open", bytes, options })) as { model: number };
      return {
        async run(inputs, outputs) {
          const asked = outputs.map(({ name, shape }) => ({ name, shape }));
          const found = (await ask({ kind: "run", model, inputs, outputs: asked })) as { outputs: Float32Array[] };
          for (const [i, { data }] of outputs.entries()) data.set(found.outputs[i]);
        },
        release: async () => void (await ask({ kind: "release", model })),
      };
    },
  };
}
