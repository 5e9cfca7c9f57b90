import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { HostLayout, type LaidOut } from "./host-layout.ts";

/**
 * Writes ONNX models (the protobuf schema of onnx.proto, IR version 8) node by node. Only what our lowerings emit:
 * float32 and int64 tensors, single-output and multi-output operators, three operator domains.
 */

/** Domain of ONNX Runtime's channel-blocked operators; an internal schema, so the runtime's version is pinned. */
export const NCHWC = "com.microsoft.nchwc";

const OPSETS: [domain: string, version: number][] = [
  ["", 17],
  ["com.microsoft", 1],
  [NCHWC, 1],
];

/** An attribute value: integers and strings as they are, floats wrapped so that 0 and 1 keep their type. */
export type Attribute = number | string | number[] | { float: number } | { floats: number[] };

export type Dimension = number | string;

const FLOAT = 1;
const INT64 = 7;

export interface ValueInfo {
  name: string;
  shape: Dimension[];
}

/** A finished graph: the ONNX bytes and what goes in and out under which name. */
export interface Program {
  model: Uint8Array;
  inputs: ValueInfo[];
  /** Key under which the caller asks → the value's name in the model and its shape. */
  outputs: Map<string, ValueInfo>;
  /** Where the model takes or gives several of these in one array. */
  packing?: Packing;
  /** Inputs that the caller makes of what it feeds, where it asked for that ({@link GraphBuilder.layOut}). */
  laidOut?: readonly LaidOut[];
}

/** Values that cross to the device and back in one array (see `packed.ts`). */
export interface Packing {
  inputs: Pack[];
  outputs: Pack[];
}

/** An array of the model and what lies in it, one after the other: names of inputs, or keys of outputs. */
export interface Pack {
  name: string;
  size: number;
  parts: { key: string; start: number; size: number }[];
}

export class GraphBuilder {
  /** Whose operators are used: readers refuse a domain that they do not know, used or not. */
  private readonly domains = new Set<string>([""]);
  private readonly nodes: Uint8Array[] = [];
  private readonly initializers: Uint8Array[] = [];
  private readonly constants = new Map<string, string>();
  protected readonly inputs: ValueInfo[] = [];
  protected readonly outputs = new Map<string, ValueInfo>();
  private frozen: ReadonlyMap<string, Float32Array> = new Map();
  private readonly postponed: (() => void)[] = [];
  private layout: HostLayout | undefined;
  private counter = 0;

  /** Adds an operator with one output; returns the output's name. */
  op(type: string, inputs: string[], attributes: Record<string, Attribute | undefined> = {}, domain = ""): string {
    return this.ops(type, inputs, 1, attributes, domain)[0];
  }

  /** Adds an operator with several outputs. */
  ops(
    type: string,
    inputs: string[],
    outputCount: number,
    attributes: Record<string, Attribute | undefined> = {},
    domain = "",
  ): string[] {
    const outputs = Array.from({ length: outputCount }, () => `${type}_${this.counter++}`);
    const node = new BinaryWriter();
    for (const name of inputs) text(node, 1, name);
    for (const name of outputs) text(node, 2, name);
    text(node, 3, outputs[0]);
    text(node, 4, type);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) message(node, 5, encodeAttribute(name, value));
    }
    if (domain) text(node, 7, domain);
    const write = () => {
      this.domains.add(domain);
      this.nodes.push(node.finish());
    };
    if (outputCount === 1 && this.layout?.take(type, inputs, attributes, outputs[0], write)) return outputs;
    for (const name of inputs) this.settle(name);
    write();
    return outputs;
  }

  /**
   * Inputs of these names that are declared from now on are laid out by the caller: what the graph makes of them by moving
   * values alone becomes an input in its place, named in `Program.laidOut`.
   */
  layOut(names: ReadonlySet<string>): void {
    this.layout = new HostLayout(names);
  }

  /** A value that an operator is about to read, or a caller. */
  private settle(name: string): void {
    const input = this.layout?.settle(name);
    if (input) this.inputs.push(input);
  }

  /**
   * Inputs of these names that are declared from now on are embedded as what they are given here: whatever the graph
   * makes of them alone, such as a reordering of weights, the runtime then computes once, when it loads the graph. It
   * may also choose other kernels for known weights, whose sums round differently.
   */
  freeze(values: ReadonlyMap<string, Float32Array>): void {
    this.frozen = values;
  }

  /** Declares a float32 graph input. */
  input(name: string, shape: Dimension[]): string {
    const value = this.frozen.get(name);
    if (value) return this.initializer(name, shape as number[], value);
    if (this.layout?.declare(name, shape as number[])) return name;
    this.inputs.push({ name, shape });
    return name;
  }

  /** Makes a value a graph output that callers fetch under `key`. */
  output(key: string, value: string, shape: Dimension[]): void {
    this.settle(value);
    this.outputs.set(key, { name: value, shape });
  }

  /** Embeds a float32 tensor. */
  initializer(name: string, shape: number[], data: Float32Array): string {
    this.initializers.push(encodeTensor(name, shape, FLOAT, data));
    return name;
  }

  /** A shared int64 vector (shapes, axes, indices). */
  integers(values: readonly number[]): string {
    const name = `i64_${values.join("_")}`;
    this.layout?.constant(name, values);
    return this.constant(name, [values.length], INT64, () => BigInt64Array.from(values, BigInt));
  }

  /** A shared float32 scalar. */
  scalar(value: number): string {
    return this.constant(`f32_${value}`, [], FLOAT, () => Float32Array.of(value));
  }

  /** A shared float32 vector of one repeated value. */
  filled(count: number, value: number): string {
    const name = `fill_${count}_${value}`;
    if (value === 0) this.layout?.zeros(name, count);
    return this.constant(name, [count], FLOAT, () => new Float32Array(count).fill(value));
  }

  /** A shared float32 tensor computed from each value's position; the name tells it apart from others. */
  vector(name: string, shape: number[], valueAt: (i: number) => number): string {
    const length = shape.reduce((product, n) => product * n, 1);
    return this.constant(`${name}_${shape.join("x")}`, shape, FLOAT, () =>
      Float32Array.from({ length }, (_, i) => valueAt(i)),
    );
  }

  reshape(value: string, shape: number[]): string {
    return this.op("Reshape", [value, this.integers(shape)]);
  }

  transpose(value: string, perm: number[]): string {
    return this.op("Transpose", [value], { perm });
  }

  /** Gives a value a name of the caller's choice: for outputs whose name users see. */
  named(name: string, value: string): string {
    this.settle(value);
    const node = new BinaryWriter();
    text(node, 1, value);
    text(node, 2, name);
    text(node, 3, `name_${name}`);
    text(node, 4, "Identity");
    this.nodes.push(node.finish());
    return name;
  }

  /**
   * Adds operators when the graph is finished: those of whoever asked last first. The runtime begins with what was added last and
   * with what that needs: so values that nothing else reads are computed as soon as they can be if asked for this way in
   * the order in which they can be, and what they are made of is not kept.
   */
  afterwards(write: () => void): void {
    this.postponed.push(write);
  }

  /** What `write` adds goes before all that is there. */
  first(write: () => void): void {
    const later = this.nodes.splice(0);
    write();
    this.nodes.push(...later);
  }

  /** What {@link afterwards} asked for; every `finish` begins with it. */
  protected addPostponed(): void {
    for (let write = this.postponed.pop(); write; write = this.postponed.pop()) write();
  }

  /** Serialises the graph. */
  finish(): Program {
    this.addPostponed();
    return {
      model: this.encode(this.inputs, [...this.outputs.values()]),
      inputs: this.inputs,
      outputs: this.outputs,
      laidOut: this.layout?.laidOut,
    };
  }

  /** The model's bytes. @param outputs values of the graph */
  protected encode(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Uint8Array {
    const graph = new BinaryWriter();
    for (const node of this.nodes) message(graph, 1, node);
    text(graph, 2, "graph");
    for (const tensor of this.initializers) message(graph, 5, tensor);
    for (const { name, shape } of inputs) message(graph, 11, encodeValueInfo(name, shape));
    for (const { name, shape } of outputs) message(graph, 12, encodeValueInfo(name, shape));

    const model = new BinaryWriter();
    model.tag(1, WireType.Varint).int64(8);
    text(model, 2, "bdefects4nn");
    message(model, 7, graph.finish());
    for (const [domain, version] of OPSETS) {
      if (!this.domains.has(domain)) continue;
      const opset = new BinaryWriter();
      text(opset, 1, domain);
      opset.tag(2, WireType.Varint).int64(version);
      message(model, 8, opset.finish());
    }
    return model.finish();
  }

  private constant(name: string, shape: number[], type: number, make: () => Float32Array | BigInt64Array): string {
    const known = this.constants.get(name);
    if (known !== undefined) return known;
    this.constants.set(name, name);
    this.initializers.push(encodeTensor(name, shape, type, make()));
    return name;
  }
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, value: Uint8Array): void {
  writer.tag(field, WireType.LengthDelimited).bytes(value);
}

function encodeAttribute(name: string, value: Attribute): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, name);
  const type = (code: number) => writer.tag(20, WireType.Varint).int32(code);
  if (typeof value === "number") {
    writer.tag(3, WireType.Varint).int64(value);
    type(2);
  } else if (typeof value === "string") {
    text(writer, 4, value);
    type(3);
  } else if (Array.isArray(value)) {
    for (const item of value) writer.tag(8, WireType.Varint).int64(item);
    type(7);
  } else if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(value.float);
    type(1);
  } else {
    for (const item of value.floats) writer.tag(7, WireType.Bit32).float(item);
    type(6);
  }
  return writer.finish();
}

function encodeTensor(name: string, shape: number[], type: number, data: Float32Array | BigInt64Array): Uint8Array {
  const writer = new BinaryWriter();
  for (const n of shape) writer.tag(1, WireType.Varint).int64(n);
  writer.tag(2, WireType.Varint).int32(type);
  text(writer, 8, name);
  message(writer, 9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return writer.finish();
}

function encodeValueInfo(name: string, shape: Dimension[]): Uint8Array {
  const dims = new BinaryWriter();
  for (const n of shape) {
    const dim = new BinaryWriter();
    if (typeof n === "number") dim.tag(1, WireType.Varint).int64(n);
    else text(dim, 2, n);
    message(dims, 1, dim.finish());
  }
  const tensor = new BinaryWriter();
  tensor.tag(1, WireType.Varint).int32(FLOAT);
  message(tensor, 2, dims.finish());
  const type = new BinaryWriter();
  message(type, 1, tensor.finish());
  const info = new BinaryWriter();
  text(info, 1, name);
  message(info, 2, type.finish());
  return info.finish();
}
