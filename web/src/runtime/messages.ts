import type { OpenOptions, Values } from "../../../src/engine/runtime.ts";

/** A question to the worker, after `begin`. `id` names the question, `model` a model that the page had opened. */
export type Question = { id: number } & (
  | { kind: "begin"; wasm: string }
  | { kind: "open"; bytes: Uint8Array; options: OpenOptions }
  | { kind: "run"; model: number; inputs: readonly Values[]; outputs: readonly Omit<Values, "data">[] }
  | { kind: "release"; model: number }
);

/** What the worker answers: the model's number, or each output's values; `failed` is the runtime's reason. */
export type Answer = { id: number } & ({ model: number } | { outputs: Float32Array[] } | { failed: string } | object);
