import { type GraphBuilder, NCHWC } from "../onnx.ts";
import type { SlotOwner } from "./channel-slots.ts";
import { type ConvShape, type FeatureSize, weightGradientGroups } from "./lowering.ts";

/** A convolution of stride 1 and equal padding whose gradient is wanted for some of its filters. */
export interface FewRows {
  batch: number;
  /** Channels of a block, and pixels of a strip. */
  block: number;
  height: number;
  width: number;
  /** 1 or 3. */
  kernel: number;
  /** Filters whose gradient is wanted. */
  rows: number;
}

/** What lies in a block of the input. */
export interface InputSlots {
  /** Images whose channels lie side by side. */
  share: number;
  /** What the slots of these images hold. */
  owners: readonly SlotOwner[];
}

/** Up to one row in so many inputs a 3×3 convolution's gradient is quicker this way (docs/benchmarks.md). */
const INPUTS_PER_ROW = 4;

/**
 * Whether the weight gradient is possible this way and quicker: for few rows, and for any number of them where each reads one
 * pixel and the sums of each image are little beside the image.
 */
export function takesFewRows(
  x: FeatureSize,
  dy: FeatureSize,
  { kernel, stride, padding }: ConvShape,
  batch: number,
  block: number,
): boolean {
  const area = dy.height * dy.width;
  if (area % block !== 0) return false;
  const few = INPUTS_PER_ROW * dy.channels <= x.channels;
  if (kernel === 1) return few || weightGradientGroups(batch, dy.channels, x.channels, 1, area) === batch;
  return few && kernel === 3 && stride === 1 && padding === 1;
}

/**
 * The weight gradient of few filters as one blocked convolution that reads the input where it lies: B pixels that follow
 * each other in a row of a map, B channels each, are just what the runtime takes for B inputs and B outputs of a filter. So the
 * input is the filter, its pixels are summed over, and what slides over it is dy, written down once for every tap; images
 * are groups, so that threads share them. Other ways either copy the input or leave the runtime's thread pool work that is
 * too small to share (docs/benchmarks.md).
 *
 * @param x `[N, C/B, H, W, B]`
 * @param dy `[N, rows, H, W]`
 * @returns OHWI
 */
export function fewRowsWeightGradient(
  graph: GraphBuilder,
  x: string,
  dy: string,
  size: FewRows,
  slotsOfInput: InputSlots,
): string {
  const { batch, block, height, width, kernel } = size;
  const { share, owners } = slotsOfInput;
  const groups = batch / share;
  const columns = share * size.rows;
  const slots = owners.length;
  // Whole strips of pixels in a row: the convolution's own padding shifts by rows. Else every shift is written down.
  const slides = kernel > 1 && width % block === 0;
  const [tall, wide] = slides ? [height, width / block] : [(height * width) / block, 1];
  const shifts = slides ? kernel : kernel ** 2;
  const image = shifted(graph, dy, [groups, columns, height, width], block, shifts, slides);
  const padding = slides ? (kernel - 1) / 2 : 0;
  const products = graph.op(
    "Conv",
    [
      graph.reshape(image, [1, groups * block, tall, wide * columns * shifts]),
      graph.reshape(x, [groups * slots, block, tall, wide]),
    ],
    {
      kernel_shape: [tall, wide],
      strides: [1, 1],
      dilations: [1, columns * shifts],
      pads: [padding, 0, padding, 0],
      group: groups,
    },
    NCHWC,
  );
  const taps = slides ? kernel : 1;
  const flat = graph.reshape(products, [groups, slots * taps * columns * shifts]);
  const sums = graph.op("ReduceSum", [flat, graph.integers([0])], { keepdims: 0 });
  return gathered(graph, sums, size, slotsOfInput, taps, shifts);
}

/** dy under every shift, `[groups, strips, columns, shifts, B]`. @param slides whether only along the width */
function shifted(
  graph: GraphBuilder,
  dy: string,
  [groups, columns, height, width]: [groups: number, columns: number, height: number, width: number],
  block: number,
  shifts: number,
  slides: boolean,
): string {
  const strips = (height * width) / block;
  let cells = graph.reshape(dy, [groups, columns, strips, block]);
  if (shifts > 1) {
    const above = slides ? 0 : 1;
    const whole = graph.reshape(dy, [groups, columns, height, width]);
    const padded = graph.op("Pad", [whole, graph.integers([0, 0, above, 1, 0, 0, above, 1])]);
    const parts = Array.from({ length: shifts }, (_, shift) => {
      const [down, right] = [Math.floor(shift / 3), shift % 3];
      const bounds = [
        [down, right],
        [down + height, right + width],
        [2, 3],
      ];
      const part = graph.op("Slice", [padded, ...bounds.map((values) => graph.integers(values))]);
      return graph.reshape(part, [groups, columns, strips, block]);
    });
    cells = graph.op("Concat", parts, { axis: 3 });
  }
  return columns === 1 ? cells : graph.transpose(cells, [0, 2, 1, 3]);
}

/** The sums of every slot, tap row, column and shift in the order of OHWI weights, added up over images that share a block. */
function gathered(
  graph: GraphBuilder,
  sums: string,
  { block, kernel, rows }: FewRows,
  { share, owners }: InputSlots,
  taps: number,
  shifts: number,
): string {
  const inputs = owners.filter(Boolean).length / share;
  const size = rows * kernel ** 2 * inputs;
  const sources = new Array<number>(share * size);
  // dy moved down or right meets the pixels before it, so taps come out in reverse.
  for (const [slot, owner] of owners.entries()) {
    if (!owner) continue;
    for (let row = 0; row < rows; row++) {
      for (let tap = 0; tap < kernel ** 2; tap++) {
        const reversed = kernel ** 2 - 1 - tap;
        const [down, shift] = taps > 1 ? [Math.floor(reversed / kernel), reversed % kernel] : [0, reversed];
        const column = (owner.image * rows + row) * shifts + shift;
        const source =
          ((Math.floor(slot / block) * taps + down) * share * rows * shifts + column) * block + (slot % block);
        sources[owner.image * size + (row * kernel ** 2 + tap) * inputs + owner.channel] = source;
      }
    }
  }
  const picked = graph.op("Gather", [sums, graph.integers(sources)], { axis: 0 });
  const images = graph.reshape(picked, [share, rows, kernel, kernel, inputs]);
  return graph.op("ReduceSum", [images, graph.integers([0])], { keepdims: 0 });
}
