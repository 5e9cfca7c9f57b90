import { inferShapes, inputsOf, type Network } from "../network.ts";
import type { GraphBuilder } from "../onnx.ts";

/** Which channel of which image a slot holds; undefined where it is free. */
export type SlotOwner = { image: number; channel: number } | undefined;

/**
 * Where a feature's channels lie among the blocked operators' slots: each part of a concatenation begins at a new block,
 * and what its last block leaves free holds zeros. Zeros stay zeros: their filters, shifts and gradients are zeros too.
 * A feature that fills at most half of its one block may share it among the channels of several images.
 */
export class ChannelSlots {
  /** Slots of one image, or of the images that share a block; a multiple of the block. */
  readonly count: number;
  /** How many images lie in a block. */
  readonly share: number;
  /** Whether every slot is a channel. */
  readonly full: boolean;
  /** Whether free slots, if any, are all at the end. */
  readonly whole: boolean;
  private readonly parts: readonly number[];
  private readonly block: number;

  constructor(parts: readonly number[], block: number, share = 1) {
    this.parts = parts;
    this.block = block;
    this.share = share;
    this.count = parts.reduce((sum, part) => sum + roundUp(part * share, block), 0);
    this.full = parts.every((part) => (part * share) % block === 0);
    this.whole = parts.slice(0, -1).every((part) => part % block === 0);
  }

  /**
   * Lays the channels of an axis out over the slots, the same for every image that shares them.
   * @param shape the value's, with the channels at `axis`
   */
  spread(graph: GraphBuilder, value: string, shape: number[], axis: number, images = this.share): string {
    if (this.full && images === 1) return value;
    const owners = this.owners(images).map((owner) => owner?.channel ?? shape[axis]);
    return gather(graph, value, shape, axis, owners);
  }

  /** Takes the channels of an axis out of the slots. Only for slots that are not shared. */
  collect(graph: GraphBuilder, value: string, axis: number): string {
    if (this.full) return value;
    const slots = this.owners(1).flatMap((owner, slot) => (owner ? [slot] : []));
    return graph.op("Gather", [value, graph.integers(slots)], { axis });
  }

  /** What the slots of so many images side by side hold. @param images a multiple of {@link share} */
  owners(images: number): SlotOwner[] {
    return Array.from({ length: images / this.share }, (_, group) => {
      let next = 0;
      return this.parts.flatMap((part) => {
        const first = next;
        next += part;
        return Array.from({ length: roundUp(part * this.share, this.block) }, (_, slot): SlotOwner => {
          if (slot >= part * this.share) return undefined;
          return { image: group * this.share + Math.floor(slot / part), channel: first + (slot % part) };
        });
      });
    }).flat();
  }
}

/** How many images of so few channels share a block: a power of two, so that any two features fit together. */
export function sharing(channels: number, block: number, batch: number): number {
  let share = 1;
  // Half a batch (`splitBatch`) must be whole blocks too.
  while (2 * share * channels <= block && batch % (4 * share) === 0) share *= 2;
  return share;
}

/**
 * The weights of one image, `[out, taps, in]`, as those of images side by side, which know nothing of each other: the
 * blocked operators' filter, with zeros between the images.
 *
 * @param rows what the filter's outputs hold, @param columns its inputs
 * @param options.taps which of the weights' taps, in this order
 * @param options.swapped whether rows are the weights' inputs and columns their outputs (the gradient's way)
 * @param options.part how many columns lie together: the block, or 1 where the convolution reads an unblocked image
 */
export function sharedFilter(
  graph: GraphBuilder,
  weight: string,
  [out, taps, inputs]: [out: number, taps: number, inputs: number],
  rows: readonly SlotOwner[],
  columns: readonly SlotOwner[],
  options: { taps: readonly number[]; block: number; part: number; swapped?: boolean },
): string {
  const { block, part } = options;
  const size = out * taps * inputs;
  const sources: number[] = [];
  for (let r0 = 0; r0 < rows.length; r0 += block) {
    for (let c0 = 0; c0 < columns.length; c0 += part) {
      for (const tap of options.taps) {
        for (let c = c0; c < c0 + part; c++) {
          for (let r = r0; r < r0 + block; r++) {
            const [row, column] = [rows[r], columns[c]];
            if (!row || !column || row.image !== column.image) sources.push(size);
            else {
              const [o, i] = options.swapped ? [column.channel, row.channel] : [row.channel, column.channel];
              sources.push((o * taps + tap) * inputs + i);
            }
          }
        }
      }
    }
  }
  return gather(graph, graph.reshape(weight, [size]), [size], 0, sources);
}

/** `value` along an axis by source, with zeros where the source is one past its end. */
function gather(graph: GraphBuilder, value: string, shape: number[], axis: number, sources: readonly number[]): string {
  const zeros = shape.map((n, i) => (i === axis ? 1 : n));
  const size = zeros.reduce((product, n) => product * n, 1);
  const lacks = sources.some((source) => source === shape[axis]);
  const from = lacks ? graph.op("Concat", [value, graph.reshape(graph.filled(size, 0), zeros)], { axis }) : value;
  return graph.op("Gather", [from, graph.integers(sources)], { axis });
}

export function roundUp(n: number, block: number): number {
  return Math.ceil(n / block) * block;
}

const ANY_BATCH = 2 ** 20;

/**
 * How many times the multiplications of a network's convolutions the blocked operators do, zeros included; 1 = no more. Of
 * batches that any number of images divides.
 */
export function networkPadding(network: Network, block: number): number {
  const shapes = inferShapes(network);
  const layouts = new Map<string, ChannelSlots>();
  const parts = new Map<string, readonly number[]>();
  let [needed, padded] = [0, 0];
  for (const node of network.nodes) {
    const channels = shapes.get(node.id)![0];
    const joined = node.op === "concat" ? node.inputs : inputsOf(node).slice(0, 1);
    const own = node.op === "input" || node.op === "conv" ? [channels] : joined.flatMap((id) => parts.get(id)!);
    parts.set(node.id, own);
    const share = own.length > 1 ? 1 : sharing(channels, block, ANY_BATCH);
    layouts.set(node.id, new ChannelSlots(own, block, share));
    if (node.op !== "conv") continue;
    const [inputs, height, width] = [shapes.get(node.input)![0], ...shapes.get(node.id)!.slice(1)];
    const each = height * width * node.kernel * node.kernel;
    needed += each * inputs * node.out;
    const [from, to] = [layouts.get(node.input)!, layouts.get(node.id)!];
    const isImage = node.input === network.nodes[0].id;
    const images = Math.max(isImage ? 1 : from.share, to.share);
    const columns = isImage ? images * inputs : (images / from.share) * from.count;
    padded += (each * columns * (images / to.share) * to.count) / images;
  }
  return needed === 0 ? 1 : padded / needed;
}
