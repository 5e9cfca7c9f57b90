import type { Device } from "../core/device.ts";
import type { Packing, Program } from "../graph/onnx.ts";
import { sizeOf } from "../tensor/state.ts";
import { processDevice } from "./device.ts";
import { type LoadedModel, onnxRuntime, type Values } from "./runtime.ts";

/** Named float32 arrays that go into or come out of a graph; shapes are the program's. */
export type Arrays = Map<string, Float32Array>;

/** In what the runtime says: its arena's words, and those of C++. */
const OUT_OF_MEMORY = /failed to allocate memory|bad_alloc|bad allocation/i;

/**
 * From so many bytes of activations on, the runtime may not plan one block for all of a run: it keeps the memory of the
 * first, unplanned run beside it, 1.6 times the activations. Below, planning makes a step a few percent faster
 * (measured with training steps, docs/benchmarks.md). No value depends on it.
 */
const MOST_PLANNED = 120e6;

/** Whether the runtime plans the memory of a run that holds so many bytes of activations. */
export function isPlanned(activationBytes: number): boolean {
  return activationBytes < MOST_PLANNED;
}

export interface SessionOptions {
  /** Threads within an operator: part of every recipe, since sums depend on how work is split. */
  threads: number;
  /** Where it runs: on the process's device unless another is named. */
  device?: Device;
  /** Bytes of activations that a run holds at once, where they are many. */
  activationBytes?: number;
}

/** The runtime was refused memory in the middle of a run. */
export class MemoryShortage extends Error {
  override readonly name = "MemoryShortage";
}

/**
 * A program loaded into ONNX Runtime. Inputs are passed without a copy; outputs land in arrays that the session owns
 * and reuses, so a result is valid until the next run.
 */
export class Session {
  readonly program: Program;
  private readonly model: LoadedModel;
  private readonly shapes: Map<string, number[]>;
  private readonly own = new Map<string, Float32Array>();

  private constructor(program: Program, model: LoadedModel) {
    this.program = program;
    this.model = model;
    this.shapes = new Map(program.inputs.map(({ name, shape }) => [name, shape as number[]]));
  }

  static async open(
    program: Program,
    { threads, device = processDevice(), activationBytes = 0 }: SessionOptions,
  ): Promise<Session> {
    const runtime = await onnxRuntime();
    const planned = isPlanned(activationBytes);
    return new Session(program, await runtime.open(program.model, { device, threads, planned }));
  }

  inputShape(name: string): number[] {
    const shape = this.shapes.get(name);
    if (!shape) throw new Error(`the program has no input '${name}'`);
    return shape;
  }

  /**
   * Runs the program.
   *
   * @param feeds every graph input; further entries are ignored
   * @param into output key → array to write to, in place of the session's own
   * @returns output key → values
   * @throws MemoryShortage
   */
  async run(feeds: ReadonlyMap<string, Float32Array>, into?: ReadonlyMap<string, Float32Array>): Promise<Arrays> {
    const fed = (name: string) => {
      const data = feeds.get(name);
      if (!data) throw new Error(`input '${name}' was not fed`);
      return data;
    };
    const { packing } = this.program;
    if (packing) return this.runPacked(packing, fed, into);
    const inputs = this.program.inputs.map(({ name, shape }) => {
      return { name, data: fed(name), shape: shape as number[] };
    });
    const outputs: Values[] = [];
    const results: Arrays = new Map();
    for (const [key, { name, shape }] of this.program.outputs) {
      const target = into?.get(key) ?? this.ownArray(key, shape as number[]);
      outputs.push({ name, data: target, shape: shape as number[] });
      results.set(key, target);
    }
    await this.compute(inputs, outputs);
    return results;
  }

  /** The same with what crosses in a few arrays; results not asked for elsewhere stay where they land. */
  private async runPacked(
    packing: Packing,
    fed: (name: string) => Float32Array,
    into: ReadonlyMap<string, Float32Array> | undefined,
  ): Promise<Arrays> {
    const inputs = packing.inputs.map(({ name, size, parts }) => {
      const data = this.ownArray(name, [size]);
      for (const { key, start } of parts) data.set(fed(key), start);
      return { name, data, shape: [size] };
    });
    const outputs = packing.outputs.map(({ name, size }) => {
      return { name, data: this.ownArray(name, [size]), shape: [size] };
    });
    await this.compute(inputs, outputs);
    const results: Arrays = new Map();
    for (const pack of packing.outputs) {
      const all = this.ownArray(pack.name, [pack.size]);
      for (const { key, start, size } of pack.parts) {
        const values = all.subarray(start, start + size);
        const target = into?.get(key);
        target?.set(values);
        results.set(key, target ?? values);
      }
    }
    return results;
  }

  private async compute(inputs: readonly Values[], outputs: readonly Values[]): Promise<void> {
    try {
      await this.model.run(inputs, outputs);
    } catch (error) {
      const { message } = error as Error;
      throw OUT_OF_MEMORY.test(message) ? new MemoryShortage(message, { cause: error }) : error;
    }
  }

  async release(): Promise<void> {
    await this.model.release();
  }

  private ownArray(key: string, shape: number[]): Float32Array {
    let array = this.own.get(key);
    if (!array) {
      array = new Float32Array(sizeOf(shape));
      this.own.set(key, array);
    }
    return array;
  }
}

/** The runtime's version, for records. */
export async function runtimeVersion(): Promise<string> {
  return (await onnxRuntime()).version;
}
