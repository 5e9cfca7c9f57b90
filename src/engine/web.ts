import type { Device } from "../core/device.ts";
import type { LoadedModel, OnnxRuntime, OpenOptions, Values } from "./runtime.ts";

interface Tensor {
  readonly data: unknown;
}

interface Model {
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** What is used of `onnxruntime-web`, which is the page's dependency and not this package's. */
export interface OnnxRuntimeWeb {
  readonly env: { readonly versions: { readonly common: string; readonly web?: string } };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Model> };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => Tensor;
}

/** What the web's runtime calls the devices. */
const PROVIDERS: Record<Device, string> = { cpu: "wasm", webgpu: "webgpu" };

/**
 * ONNX Runtime in a browser. Threads are the page's to set (`env.wasm`), since they need headers that a page may lack.
 *
 * @param ort the module `onnxruntime-web`
 * @param providers the runtime's own names of the devices
 */
export function webRuntime(ort: OnnxRuntimeWeb, providers: Readonly<Record<Device, string>> = PROVIDERS): OnnxRuntime {
  const tensor = ({ data, shape }: Values) => new ort.Tensor("float32", data, shape);
  return {
    version: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`,
    async open(model: Uint8Array, { device, planned }: OpenOptions): Promise<LoadedModel> {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [providers[device]],
        enableMemPattern: planned,
        logSeverityLevel: 4,
      });
      return {
        async run(inputs, outputs) {
          const found = await session.run(Object.fromEntries(inputs.map((values) => [values.name, tensor(values)])));
          // The runtime's memory may be its own: results are copied out of it.
          for (const { name, data } of outputs) data.set(found[name].data as Float32Array);
        },
        release: () => session.release(),
      };
    },
  };
}
