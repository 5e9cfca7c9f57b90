import { type GraphBuilder, NCHWC } from "../onnx.ts";
import type { SlotOwner } from "./channel-slots.ts";

/** A convolution whose weight gradient is wanted; `joined` images lie side by side in the slots of both features. */
export interface ImageStrips {
  /** Of joined images; a multiple of the block. */
  batch: number;
  block: number;
  /** Height of x; its width must be padded already: `kernel + (width − 1)·stride`. */
  inputHeight: number;
  /** Of dy. */
  height: number;
  width: number;
  kernel: number;
  stride: number;
  padding: number;
}

/** What a feature's slots hold, of images that lie side by side. */
export interface Slots {
  images: number;
  channels: number;
  owners: readonly SlotOwner[];
}

/** So many values of a row of dy's positions, all channels, are read without conflicts: 8 ways of 64 lines of a block. */
const MOST_ROW_VALUES = 512;
/** Products per product that is wanted, where more than one block of channels is involved. */
const MOST_WASTE = 1.5;

/**
 * Whether the gradient of so many rows and columns, slots of images side by side, is quicker this way.
 * @param wanted how many pairs of a row and a column are wanted
 */
export function paysByImageStrips(rows: number, columns: number, block: number, wanted: number): boolean {
  return (rows === block && columns === block) || rows * columns <= MOST_WASTE * wanted;
}

/**
 * The weight gradient by blocked convolutions that add up over images: `∂W[k, t, c] = Σ_n Σ_p dy[n, k, p]·x[n, c, p + t]`.
 * As many images as a block has channels are what the runtime takes for the inputs of a filter; dy is that filter, its
 * positions are the filter's taps, and it slides over x by whole pixels, whose channels lie side by side. Every product is
 * one of the gradient's, and what is reordered is each feature once.
 *
 * @param xs x in parts, each as {@link imagesAsChannels} or {@link pictureAsChannels} gives it
 * @param dy `[batch, slots/B, height, width, B]`
 * @returns OHWI
 */
export function imageStripsWeightGradient(
  graph: GraphBuilder,
  xs: readonly { tensor: string; columns: number }[],
  dy: string,
  size: ImageStrips,
  inputs: Slots,
  outputs: Slots,
): string {
  const { batch, block: b, height, width, kernel } = size;
  const groups = batch / b;
  const rows = outputs.owners.length;
  // Of each position the blocks of B images, one after the other: as if images were blocks of channels to be joined.
  const filter = graph.op(
    "ReorderOutput",
    [graph.reshape(dy, [groups, b * b, (rows / b) * height, width])],
    { channels: b * b, channels_last: 1 },
    NCHWC,
  );
  const products = xs.map(({ tensor, columns }) => {
    const sums = sumsOfImages(graph, tensor, filter, size, columns, rows);
    return graph.reshape(sums, [rows / b, kernel * kernel, columns, b]);
  });
  return ordered(
    graph,
    xs.length === 1 ? products[0] : graph.op("Concat", products, { axis: 2 }),
    size,
    inputs,
    outputs,
  );
}

const paddedWidth = ({ width, kernel, stride }: ImageStrips) => kernel + (width - 1) * stride;

/**
 * Of B images the values of one position and channel, side by side: as if images were channels to be blocked.
 *
 * @param x whole blocks of channels ({@link columnParts}) position by position: `[batch, inputHeight, padded width, columns]`
 */
export function imagesAsChannels(graph: GraphBuilder, x: string, size: ImageStrips, columns: number): string {
  const { batch, block: b, inputHeight } = size;
  const [groups, wide] = [batch / b, paddedWidth(size) * columns];
  const image = graph.op("ReorderInput", [graph.reshape(x, [groups, b, inputHeight, wide])], {}, NCHWC);
  return graph.reshape(image, [1, groups * b, inputHeight, wide]);
}

/** The same of a picture, `[batch, columns, inputHeight, width before padding]`, whose channels are too few for a block. */
export function pictureAsChannels(
  graph: GraphBuilder,
  picture: string,
  size: ImageStrips,
  columns: number,
  pictureWidth: number,
): string {
  const { batch, block: b, inputHeight: height, padding } = size;
  const [groups, wide, area] = [batch / b, paddedWidth(size), height * pictureWidth];
  const blocks = graph.op(
    "ReorderInput",
    [graph.reshape(picture, [groups, b, columns * height, pictureWidth])],
    {},
    NCHWC,
  );
  const cells = graph.reshape(blocks, [groups, columns * area, b]);
  // The last cell is what the padding reads.
  const nothing = graph.vector("nothing", [groups, 1, b], () => 0);
  const sources = Array.from({ length: height * wide * columns }, (_, i) => {
    const [row, column, channel] = [Math.floor(i / (wide * columns)), Math.floor(i / columns) % wide, i % columns];
    const inside = column >= padding && column < padding + pictureWidth;
    return inside ? channel * area + row * pictureWidth + column - padding : columns * area;
  });
  const padded = graph.op("Concat", [cells, nothing], { axis: 1 });
  const gathered = graph.op("Gather", [padded, graph.integers(sources)], { axis: 1 });
  return graph.reshape(gathered, [1, groups * b, height, wide * columns]);
}

/** One convolution: `[rows/B · taps · columns · B]` of some columns. */
function sumsOfImages(
  graph: GraphBuilder,
  image: string,
  filter: string,
  { batch, block: b, inputHeight, height, width, kernel, stride, padding }: ImageStrips,
  columns: number,
  rows: number,
): string {
  const groups = batch / b;
  const bottom = (height - 1) * stride + kernel - inputHeight - padding;
  const sums = graph.op(
    "Conv",
    [image, graph.reshape(filter, [groups * rows, b, height, width])],
    {
      kernel_shape: [height, width],
      strides: [1, 1],
      dilations: [stride, stride * columns],
      pads: [padding, 0, bottom, 0],
      group: groups,
    },
    NCHWC,
  );
  const each = rows * kernel * kernel * columns;
  if (groups === 1) return graph.reshape(sums, [each]);
  return graph.op("ReduceSum", [graph.reshape(sums, [groups, each]), graph.integers([0])], { keepdims: 0 });
}

/**
 * How many blocks of x each part has. The taps of one row are a pixel's values apart: more of them than the first-level cache
 * has ways for would push one another out.
 */
export function columnParts(blocks: number, block: number, width: number): number[] {
  const most = Math.max(1, Math.floor(MOST_ROW_VALUES / (width * block)));
  return Array.from({ length: Math.ceil(blocks / most) }, (_, i) => Math.min(most, blocks - i * most));
}

/** From `[rows/B, taps, columns, B]` to OHWI, added up over images that lie side by side. */
function ordered(graph: GraphBuilder, sums: string, size: ImageStrips, inputs: Slots, outputs: Slots): string {
  const { block: b, kernel } = size;
  const taps = kernel ** 2;
  const [columns, rows] = [inputs.owners.length, outputs.owners.length];
  const shape = [outputs.channels, kernel, kernel, inputs.channels];
  if (inputs.images === 1 && columns === inputs.channels && rows === outputs.channels) {
    const blocks = graph.transpose(graph.reshape(sums, [rows / b, taps * columns, b]), [0, 2, 1]);
    return graph.reshape(blocks, shape);
  }
  const { images } = inputs;
  const count = outputs.channels * taps * inputs.channels;
  const sources = new Array<number>(images * count);
  for (const [row, output] of outputs.owners.entries()) {
    if (!output) continue;
    for (const [column, input] of inputs.owners.entries()) {
      if (input?.image !== output.image) continue;
      for (let tap = 0; tap < taps; tap++) {
        const target = output.image * count + (output.channel * taps + tap) * inputs.channels + input.channel;
        sources[target] = ((Math.floor(row / b) * taps + tap) * columns + column) * b + (row % b);
      }
    }
  }
  const flat = graph.reshape(sums, [rows * taps * columns]);
  const picked = graph.op("Gather", [flat, graph.integers(sources)], { axis: 0 });
  if (images === 1) return graph.reshape(picked, shape);
  return graph.op("ReduceSum", [graph.reshape(picked, [images, ...shape]), graph.integers([0])], { keepdims: 0 });
}
