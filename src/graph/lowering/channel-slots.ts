import type { GraphBuilder } from "../onnx.ts";

/** Which channel of which image a slot holds; undefined where it is free. */
export type SlotOwner = { image: number; channel: number } | undefined;

/** Channels that follow each other. */
export interface ChannelRun {
  first: number;
  count: number;
}

/** Whole blocks: runs of channels one after the other, then free slots. */
export type Bin = readonly ChannelRun[];

/** All channels in order. */
export function wholeBin(channels: number): Bin[] {
  return [[{ first: 0, count: channels }]];
}

/**
 * Where a feature's channels lie among the blocked operators' slots: in bins, those of a concatenation as `concat-bins.ts`
 * chose them; what a bin leaves free holds zeros. Zeros stay zeros: their filters and shifts are zeros too, and nothing reads their
 * gradients. A feature that fills at most half of its one block may share it among the channels of several images.
 */
export class ChannelSlots {
  /** Slots of one image, or of the images that share a block; a multiple of the block. */
  readonly count: number;
  /** How many images lie in a block. */
  readonly share: number;
  /** Whether every slot is a channel, and they are in order. */
  readonly full: boolean;
  /** Whether channels are in order, and free slots, if any, all at the end. */
  readonly whole: boolean;
  private readonly bins: readonly Bin[];
  private readonly block: number;

  /** @param share more than 1 with all channels in one bin, in order */
  constructor(bins: readonly Bin[], block: number, share = 1) {
    this.bins = bins;
    this.block = block;
    this.share = share;
    const sizes = bins.map((bin) => share * sizeOf(bin));
    this.count = sizes.reduce((sum, size) => sum + roundUp(size, block), 0);
    let next = 0;
    const ordered = bins.flat().every(({ first, count }) => {
      const here = first === next;
      next += count;
      return here;
    });
    this.full = ordered && sizes.every((size) => size % block === 0);
    this.whole = ordered && sizes.slice(0, -1).every((size) => size % block === 0);
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
    const slots: number[] = [];
    for (const [slot, owner] of this.owners(1).entries()) if (owner) slots[owner.channel] = slot;
    return graph.op("Gather", [value, graph.integers(slots)], { axis });
  }

  /** What the slots of so many images side by side hold. @param images a multiple of {@link share} */
  owners(images: number): SlotOwner[] {
    const { share, block } = this;
    return Array.from({ length: images / share }, (_, group) =>
      this.bins.flatMap((bin) => {
        const channels = bin.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
        const slots = roundUp(channels.length * share, block);
        return Array.from({ length: slots }, (_, slot): SlotOwner => {
          if (slot >= channels.length * share) return undefined;
          const image = group * share + Math.floor(slot / channels.length);
          return { image, channel: channels[slot % channels.length] };
        });
      }),
    ).flat();
  }
}

function sizeOf(bin: Bin): number {
  return bin.reduce((sum, { count }) => sum + count, 0);
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
