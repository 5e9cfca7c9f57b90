import { inferShapes, inputsOf, type Network } from "../network.ts";
import type { GraphBuilder } from "../onnx.ts";

/**
 * Where a feature's channels lie among the blocked operators' slots: each part of a concatenation begins at a new block,
 * and what its last block leaves free holds zeros. Zeros stay zeros: their filters, shifts and gradients are zeros too.
 */
export class ChannelSlots {
  /** All slots, a multiple of the block. */
  readonly count: number;
  /** Whether every slot is a channel. */
  readonly full: boolean;
  /** Whether free slots, if any, are all at the end. */
  readonly whole: boolean;
  private readonly parts: readonly number[];
  private readonly block: number;

  constructor(parts: readonly number[], block: number) {
    this.parts = parts;
    this.block = block;
    this.count = parts.reduce((sum, part) => sum + roundUp(part, block), 0);
    this.full = parts.every((part) => part % block === 0);
    this.whole = parts.slice(0, -1).every((part) => part % block === 0);
  }

  /** Lays the channels of an axis out over the slots. @param shape the value's, with the channels at `axis` */
  spread(graph: GraphBuilder, value: string, shape: number[], axis: number): string {
    if (this.full) return value;
    const zeros = shape.map((n, i) => (i === axis ? 1 : n));
    const size = zeros.reduce((product, n) => product * n, 1);
    const withZero = graph.op("Concat", [value, graph.reshape(graph.filled(size, 0), zeros)], { axis });
    return graph.op("Gather", [withZero, graph.integers(this.sources(shape[axis]))], { axis });
  }

  /** Takes the channels of an axis out of the slots. */
  collect(graph: GraphBuilder, value: string, axis: number): string {
    if (this.full) return value;
    const slots = this.sources(-1).flatMap((source, slot) => (source >= 0 ? [slot] : []));
    return graph.op("Gather", [value, graph.integers(slots)], { axis });
  }

  /** The channel that each slot holds, `free` where it holds none. */
  private sources(free: number): number[] {
    let channel = 0;
    return this.parts.flatMap((part) =>
      Array.from({ length: roundUp(part, this.block) }, (_, i) => (i < part ? channel++ : free)),
    );
  }
}

export function roundUp(n: number, block: number): number {
  return Math.ceil(n / block) * block;
}

/** How many times the multiplications of a network's convolutions the blocked operators do, zeros included; 1 = no more. */
export function networkPadding(network: Network, block: number): number {
  const shapes = inferShapes(network);
  const parts = new Map<string, readonly number[]>();
  let [own, padded] = [0, 0];
  for (const node of network.nodes) {
    const channels = shapes.get(node.id)![0];
    if (node.op === "concat")
      parts.set(
        node.id,
        node.inputs.flatMap((id) => parts.get(id)!),
      );
    else if (node.op === "input" || node.op === "conv") parts.set(node.id, [channels]);
    else parts.set(node.id, parts.get(inputsOf(node)[0])!);
    if (node.op !== "conv") continue;
    const [inputs, height, width] = [shapes.get(node.input)![0], ...shapes.get(node.id)!.slice(1)];
    const each = height * width * node.kernel * node.kernel;
    const slots = new ChannelSlots(parts.get(node.input)!, block).count;
    own += each * inputs * node.out;
    padded += each * (node.input === network.nodes[0].id ? inputs : slots) * roundUp(node.out, block);
  }
  return own === 0 ? 1 : padded / own;
}
