import type { Attribute, ValueInfo } from "./onnx.ts";

/** A value whose every element is an element of one array, or zero. */
interface MovedValue {
  /** The array's name; undefined: nothing but zeros. */
  from: string | undefined;
  shape: readonly number[];
  /** Of every element, in row-major order, the array's element plus one; 0: zero. */
  sources: Int32Array;
}

/** A graph input that the host makes of an array by moving its elements. */
export interface LaidOut {
  name: string;
  from: string;
  /** Of every element of the input the array's element plus one; 0: zero. */
  sources: Int32Array;
}

interface Entry {
  value: MovedValue;
  /** Writes the operator that makes it, where that is not to become an input. */
  write?: () => void;
  /** Whether the graph has it, as an input or by its operator. */
  settled: boolean;
}

/**
 * What a graph does to some of its inputs by moving values alone (reshaping, transposing, picking, padding with zeros): in
 * place of these operators the graph takes what comes out of them as an input, and the host makes it. That pays where only
 * few of the values change from run to run. No number changes.
 */
export class HostLayout {
  readonly laidOut: LaidOut[] = [];
  private readonly names: ReadonlySet<string>;
  private readonly entries = new Map<string, Entry>();
  private readonly integers = new Map<string, readonly number[]>();

  /** @param names inputs that are laid out */
  constructor(names: ReadonlySet<string>) {
    this.names = names;
  }

  /** @returns whether the input is one of those; it is declared when an operator reads it as it is */
  declare(name: string, shape: readonly number[]): boolean {
    if (!this.names.has(name)) return false;
    const sources = new Int32Array(sizeOf(shape));
    for (let i = 0; i < sources.length; i++) sources[i] = i + 1;
    this.entries.set(name, { value: { from: name, shape, sources }, settled: false });
    return true;
  }

  /** Told every vector of whole numbers. */
  constant(name: string, values: readonly number[]): void {
    this.integers.set(name, values);
  }

  /** Told every constant of zeros. */
  zeros(name: string, count: number): void {
    const value = { from: undefined, shape: [count], sources: new Int32Array(count) };
    this.entries.set(name, { value, settled: true });
  }

  /**
   * Takes an operator that only moves values that are known here.
   *
   * @param write adds it to the graph
   * @returns whether it was taken
   */
  take(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute | undefined>,
    output: string,
    write: () => void,
  ): boolean {
    const value = this.moved(type, inputs, attributes);
    if (!value) return false;
    this.entries.set(output, { value, write, settled: false });
    return true;
  }

  /** Makes sure that the graph has a value. @returns the input to declare, if that is what it takes */
  settle(name: string): ValueInfo | undefined {
    const entry = this.entries.get(name);
    if (!entry || entry.settled) return undefined;
    entry.settled = true;
    const { from, shape, sources } = entry.value;
    if (from === undefined) {
      entry.write!();
      return undefined;
    }
    if (from !== name) this.laidOut.push({ name, from, sources });
    return { name, shape: [...shape] };
  }

  private moved(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute | undefined>,
  ): MovedValue | undefined {
    const values = inputs.map((name) => this.entries.get(name)?.value);
    const [first] = values;
    if (!first) return undefined;
    const numbers = this.integers.get(inputs[1]);
    switch (type) {
      case "Reshape":
        return numbers?.every((n) => n > 0) ? { ...first, shape: numbers } : undefined;
      case "Transpose":
        return transposed(first, attributes.perm as number[]);
      case "Gather":
        return numbers && picked(first, numbers, attributes.axis as number);
      case "Concat":
        return values.every((value) => value !== undefined)
          ? joined(values as MovedValue[], attributes.axis as number)
          : undefined;
      default:
        return undefined;
    }
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function transposed({ from, shape, sources }: MovedValue, perm: readonly number[]): MovedValue {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const result = perm.map((axis) => shape[axis]);
  const steps = perm.map((axis) => strides[axis]);
  const moved = new Int32Array(sources.length);
  const at = result.map(() => 0);
  let source = 0;
  for (let i = 0; i < moved.length; i++) {
    moved[i] = sources[source];
    for (let axis = result.length - 1; axis >= 0; axis--) {
      source += steps[axis];
      if (++at[axis] < result[axis]) break;
      source -= steps[axis] * result[axis];
      at[axis] = 0;
    }
  }
  return { from, shape: result, sources: moved };
}

function picked({ from, shape, sources }: MovedValue, indices: readonly number[], axis: number): MovedValue {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const moved = new Int32Array(outer * indices.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices) {
      const start = (o * shape[axis] + index) * inner;
      for (let i = start; i < start + inner; i++) moved[at++] = sources[i];
    }
  }
  return { from, shape: shape.map((n, i) => (i === axis ? indices.length : n)), sources: moved };
}

/** Values of one array, and zeros. */
function joined(values: readonly MovedValue[], axis: number): MovedValue | undefined {
  const froms = new Set(values.flatMap(({ from }) => from ?? []));
  if (froms.size > 1) return undefined;
  const [{ shape }] = values;
  const outer = sizeOf(shape.slice(0, axis));
  const sizes = values.map((value) => sizeOf(value.shape.slice(axis)));
  const moved = new Int32Array(outer * sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const [k, { sources }] of values.entries()) {
      for (let i = o * sizes[k]; i < (o + 1) * sizes[k]; i++) moved[at++] = sources[i];
    }
  }
  const length = values.reduce((sum, value) => sum + value.shape[axis], 0);
  return { from: [...froms][0], shape: shape.map((n, i) => (i === axis ? length : n)), sources: moved };
}
