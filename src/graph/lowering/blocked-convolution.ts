import { NCHWC } from "../onnx.ts";
import { BlockedConcat } from "./blocked-concat.ts";
import { ChannelSlots, roundUp, type SlotOwner, sharedFilter, wholeBin } from "./channel-slots.ts";
import { fewRowsWeightGradient, takesFewRows } from "./few-rows.ts";
import {
  columnParts,
  type ImageStrips,
  imageStripsWeightGradient,
  imagesAsChannels,
  paysByImageStrips,
  pictureAsChannels,
} from "./image-strips.ts";
import {
  type ConvShape,
  type Feature,
  type FeatureSize,
  type Fusion,
  type Gradient,
  halvesEvenly,
  isDense,
  reversedTaps,
  STRIDE2_PHASES,
} from "./lowering.ts";
import {
  type Tile,
  winogradConv,
  winogradGradientTile,
  winogradInputGradient,
  winogradTile,
  winogradWeightGradient,
} from "./winograd.ts";

/** Convolutions of the blocked layout and their gradients. */
export abstract class BlockedConvolution extends BlockedConcat {
  private readonly paddedWeights = new Map<string, string>();

  conv(x: Feature, weight: string, shape: ConvShape, fuse: Fusion = {}): Feature {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (isDense(x, shape)) return this.denseConv(x, weight, out, fuse);
    const tile = this.winograd(x, shape);
    if (tile) return this.winogradUnit(x, weight, shape, tile, fuse);
    // A 1×1 convolution of stride 2 reads a quarter of its input: take that out first.
    const source = kernel === 1 && stride === 2 ? this.everySecond(x) : x;
    const step = source === x ? stride : 1;
    const side = (n: number) => Math.floor((n + 2 * padding - kernel) / step) + 1;
    const size = { channels: out, height: side(source.height), width: side(source.width) };
    const images = Math.max(this.slots(size).share, this.slots(source).share);
    if (images > 1) return this.sharedConv(source, weight, { ...shape, stride: step }, size, images, fuse);
    const taps = kernel * kernel;
    const padded = this.paddedWeight(weight, shape, x);
    const [rows, columns] = [roundUp(out, b), this.slotCount(x)];
    const blockedWeight = this.images.has(x.tensor)
      ? graph.transpose(graph.reshape(padded, [rows / b, b, taps, columns]), [0, 3, 2, 1])
      : graph.transpose(graph.reshape(padded, [rows / b, b, taps, columns / b, b]), [0, 3, 2, 4, 1]);
    const filter = graph.reshape(blockedWeight, [rows, columns, kernel, kernel]);
    const bias = fuse.bias && this.slots(size).spread(graph, fuse.bias, [out], 0);
    const options = { ...fuse, bias };
    return { ...size, tensor: this.blockedConv(source.tensor, filter, kernel, kernel, step, padding, options) };
  }

  /** A convolution of so many images side by side, where its input or its output shares blocks among images. */
  private sharedConv(
    x: Feature,
    weight: string,
    { out, kernel, stride, padding }: ConvShape,
    size: FeatureSize,
    images: number,
    fuse: Fusion,
  ): Feature {
    const { graph, block } = this;
    // Unblocked, the images' channels must stay fewer than a block: more would be read as blocks.
    if (this.images.has(x.tensor) && images * x.channels >= block) {
      return this.conv(
        this.toBlocks(x.tensor, x.channels, x.height, x.width),
        weight,
        { out, kernel, stride, padding },
        fuse,
      );
    }
    const [rows, columns] = [this.slots(size).owners(images), this.owners(x, images)];
    const taps = Array.from({ length: kernel * kernel }, (_, tap) => tap);
    const part = this.images.has(x.tensor) ? 1 : block;
    const weights: [number, number, number] = [out, taps.length, x.channels];
    const flat = sharedFilter(graph, weight, weights, rows, columns, { taps, block, part });
    const filter = graph.reshape(flat, [rows.length, columns.length, kernel, kernel]);
    const bias = fuse.bias && this.slots(size).spread(graph, fuse.bias, [out], 0, images);
    const options = { ...fuse, bias };
    return { ...size, tensor: this.sideBySide(images, x, size, filter, kernel, kernel, stride, padding, options) };
  }

  /** Runs a filter of so many images side by side. @returns the result in its own layout */
  private sideBySide(
    images: number,
    x: Feature,
    result: Omit<Feature, "tensor">,
    filter: string,
    kh: number,
    kw: number,
    stride: number,
    padding: number | number[],
    fuse: Fusion = {},
  ): string {
    const { graph, batch } = this;
    const [slots, columns] = [this.slots(result), this.owners(x, images).length];
    const joined = [batch / images, slots.owners(images).length, result.height, result.width];
    const same = slots.share === images;
    const sum = fuse.sum && { ...fuse.sum, tensor: same ? fuse.sum.tensor : graph.reshape(fuse.sum.tensor, joined) };
    const source =
      this.slots(x).share === images ? x.tensor : graph.reshape(x.tensor, [batch / images, columns, x.height, x.width]);
    const y = this.blockedConv(source, filter, kh, kw, stride, padding, { ...fuse, sum });
    return same ? y : graph.reshape(y, this.extent({ ...result, tensor: y }));
  }

  /** A depthwise 1×1 convolution does multiply, add, residual sum and ReLU in one pass. */
  scaleShift(x: Feature, scale: string, shift: string | undefined, fuse: Fusion = {}): Feature {
    const slots = this.slots(x);
    const spread = (value: string) => slots.spread(this.graph, value, [x.channels], 0);
    const filter = this.graph.reshape(spread(scale), [slots.count, 1, 1, 1]);
    const zero = fuse.sum ? this.graph.filled(slots.count, 0) : undefined;
    const bias = shift === undefined ? zero : spread(shift);
    return { ...x, tensor: this.blockedConv(x.tensor, filter, 1, 1, 1, 0, { ...fuse, bias }, slots.count) };
  }

  /** In one pass, and quicker than the runtime's addition: a depthwise convolution by ones that adds the other feature. */
  override add(a: Feature, b: Feature, relu: boolean): Feature {
    if (this.images.has(a.tensor)) return super.add(a, b, relu);
    return this.scaleShift(a, this.graph.filled(a.channels, 1), undefined, { sum: b, relu });
  }

  convInputGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (this.images.has(x.tensor)) return this.imageGradient(dy, weight, shape, x, into);
    if (isDense(x, shape)) return this.accumulate(into, this.denseInputGradient(dy, weight, x));
    if (stride !== 1 && !halvesEvenly(shape, x)) {
      return this.accumulate(into, this.laidOutAs(x, this.transposedConv(this.toNchw(dy), weight, shape, x)));
    }
    const tile = this.winograd(x, shape);
    if (tile) {
      const dx = winogradInputGradient(graph, this.positionsFirst(dy), weight, this.winogradShape(x, out, tile));
      return this.accumulate(into, { ...x, tensor: this.fromPositions(dx, x) });
    }
    const [rows, columns] = [roundUp(out, b), this.slotCount(x)];
    const images = Math.max(this.slots(x).share, this.slots(dy).share);
    const padded = images > 1 ? weight : this.paddedWeight(weight, shape, x);
    const flat = images > 1 ? weight : graph.reshape(padded, [rows / b, b, kernel * kernel, columns / b, b]);
    const swapped = (taps: number[], kh: number, kw: number) => {
      if (images > 1) return this.swappedFilter(weight, shape, x, this.slots(dy).owners(images), images, taps, kh, kw);
      const picked = graph.op("Gather", [flat, graph.integers(taps)], { axis: 2 });
      return graph.reshape(graph.transpose(picked, [3, 0, 2, 1, 4]), [columns, rows, kh, kw]);
    };
    const sumOf = (tensor: string | undefined) => (tensor ? { sum: { ...x, tensor } } : {});
    const half = { channels: x.channels, bins: x.bins, height: x.height / stride, width: x.width / stride };
    const back = (filter: string, kh: number, kw: number, padding: number | number[], fuse: Fusion) =>
      images > 1
        ? this.sideBySide(images, dy, half, filter, kh, kw, 1, padding, fuse)
        : this.blockedConv(dy.tensor, filter, kh, kw, 1, padding, fuse);

    if (stride === 1) {
      const filter = swapped(reversedTaps(kernel), kernel, kernel);
      return { ...into, full: back(filter, kernel, kernel, kernel - 1 - padding, sumOf(into?.full)) };
    }
    if (kernel === 1) {
      return { ...into, phase0: back(swapped([0], 1, 1), 1, 1, 0, sumOf(into?.phase0)) };
    }
    const phases = STRIDE2_PHASES.map(([taps, kh, kw], i) =>
      back(swapped(taps, kh, kw), kh, kw, [0, 0, kh - 1, kw - 1], i === 0 ? sumOf(into?.phase0) : {}),
    );
    const tensor = this.interleave(phases, x);
    return this.accumulate(into?.full === undefined ? undefined : { full: into.full }, { ...x, tensor });
  }

  /** The filter of the gradient at x, for so many images side by side. */
  private swappedFilter(
    weight: string,
    { out, kernel }: ConvShape,
    x: Feature,
    columns: readonly SlotOwner[],
    images: number,
    taps: number[],
    kh: number,
    kw: number,
  ): string {
    const { graph, block } = this;
    const rows = this.owners(x, images);
    const slots = roundUp(rows.length, block);
    const padded = [...rows, ...Array<SlotOwner>(slots - rows.length).fill(undefined)];
    const options = { taps, block, part: block, swapped: true };
    const flat = sharedFilter(graph, weight, [out, kernel * kernel, x.channels], padded, columns, options);
    return graph.reshape(flat, [slots, columns.length, kh, kw]);
  }

  /** An image has too few channels for a block: its gradient is computed for a full one and cut. */
  private imageGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (stride !== 1) {
      return this.accumulate(into, { ...x, tensor: this.transposedConv(this.toNchw(dy), weight, shape, x) });
    }
    const { share } = this.slots(dy);
    if (share > 1) {
      let images = share;
      while (images * x.channels > b) images /= 2;
      const columns = new ChannelSlots(wholeBin(out), b, images).owners(images);
      const filter = this.swappedFilter(weight, shape, x, columns, images, reversedTaps(kernel), kernel, kernel);
      const source = this.regroup(dy.tensor, dy, share, images);
      const joined = this.blockedConv(source, filter, kernel, kernel, 1, kernel - 1 - padding);
      const options = { channels: images * x.channels, channels_last: 0 };
      const image = graph.reshape(graph.op("ReorderOutput", [joined], options, NCHWC), this.nchw(x));
      return this.accumulate(into, { ...x, tensor: image });
    }
    const rows = roundUp(out, b);
    const blocks = graph.reshape(this.paddedWeight(weight, shape, x), [rows / b, b, kernel * kernel, x.channels]);
    const padded = graph.op("Pad", [blocks, graph.integers([0, 0, 0, 0, 0, 0, 0, b - x.channels])]);
    const picked = graph.op("Gather", [padded, graph.integers(reversedTaps(kernel))], { axis: 2 });
    const filter = graph.reshape(graph.transpose(picked, [0, 2, 1, 3]), [b, rows, kernel, kernel]);
    const wide = this.blockedConv(dy.tensor, filter, kernel, kernel, 1, kernel - 1 - padding);
    const tensor = graph.op("ReorderOutput", [wide], { channels: x.channels, channels_last: 0 }, NCHWC);
    return this.accumulate(into, { ...x, tensor });
  }

  convWeightGradient(x: Feature, dy: Feature, shape: ConvShape): string {
    if (isDense(x, shape)) return this.denseWeightGradient(x, dy);
    const slots = this.slots(x);
    const possible = !this.images.has(x.tensor) && slots.full;
    const tile = possible ? this.minimalGradientTile(x, shape, dy.channels) : undefined;
    if (tile) {
      // Of few rows the gradient is so quick that transforming x again would show; it is kept from the forward pass.
      const again = dy.channels === shape.out;
      const [from, to] = [this.positionsFirst(x, again), this.positionsFirst(dy)];
      return winogradWeightGradient(this.graph, from, to, this.winogradShape(x, dy.channels, tile));
    }
    if (!this.images.has(x.tensor) && takesFewRows(x, dy, shape, this.batch, this.block)) {
      return this.fewRowsGradient(x, dy, shape.kernel, shape.stride);
    }
    if (this.takesImageStrips(x, dy, shape)) return this.imageStripsGradient(x, dy, shape);
    if (this.images.has(x.tensor) || slots.whole) return this.wholeWeightGradient(x, dy, shape);
    const gradient = this.wholeWeightGradient({ ...x, channels: slots.count, bins: undefined }, dy, shape);
    return slots.collect(this.graph, gradient, 3);
  }

  /** Whether the weight gradient adds up over images: where that is possible and quicker (docs/benchmarks.md). */
  protected takesImageStrips(x: Feature, dy: Feature, { kernel }: ConvShape): boolean {
    if (kernel === 1) return false;
    const images = Math.max(this.slots(x).share, this.slots(dy).share);
    if (this.batch % (images * this.block) !== 0) return false;
    if (this.images.has(x.tensor)) return true;
    const [columns, rows] = [x, dy].map((feature) => this.owners(feature, images).length);
    return paysByImageStrips(rows, columns, this.block, images * x.channels * dy.channels);
  }

  private imageStripsGradient(x: Feature, dy: Feature, { kernel, stride, padding }: ConvShape): string {
    const { graph, block } = this;
    const images = Math.max(this.slots(x).share, this.slots(dy).share);
    const { height, width } = dy;
    const size = { batch: this.batch / images, block, inputHeight: x.height, height, width, kernel, stride, padding };
    const inputs = { images, channels: x.channels, owners: this.owners(x, images) };
    const outputs = { images, channels: dy.channels, owners: this.owners(dy, images) };
    const columns = inputs.owners.length;
    const xs = this.images.has(x.tensor)
      ? [{ columns, tensor: pictureAsChannels(graph, x.tensor, size, columns, x.width) }]
      : this.stripsOfFeature(x, size, columns);
    return imageStripsWeightGradient(graph, xs, dy.tensor, size, inputs, outputs);
  }

  /** A feature as image strips read it, in parts of so many columns. */
  private stripsOfFeature(x: Feature, size: ImageStrips, columns: number): { columns: number; tensor: string }[] {
    const { graph, block: b } = this;
    const { batch, width, kernel, stride, padding } = size;
    const { count } = this.slots(x);
    const right = (width - 1) * stride + kernel - x.width - padding;
    const ones = graph.vector(`ones`, [count, 1, 1, 1], () => 1);
    const padded = this.blockedConv(x.tensor, ones, 1, 1, 1, [0, padding, 0, right], {}, count);
    const wide = x.width + padding + right;
    const parts = columnParts(columns / b, b, width);
    const whole = () => graph.reshape(padded, [batch, columns / b, x.height, wide * b]);
    const pieces =
      parts.length === 1 ? [padded] : graph.ops("Split", [whole(), graph.integers(parts)], parts.length, { axis: 1 });
    return pieces.map((piece, i) => {
      const channels = parts[i] * b;
      const joined = graph.reshape(piece, [batch, channels, x.height, wide]);
      // One block of channels is position by position already.
      const cells =
        parts[i] === 1 ? joined : graph.op("ReorderOutput", [joined], { channels, channels_last: 1 }, NCHWC);
      return { columns: channels, tensor: imagesAsChannels(graph, cells, size, channels) };
    });
  }

  private fewRowsGradient(x: Feature, dy: Feature, kernel: number, stride: number): string {
    const { graph, batch, block } = this;
    const { height, width, channels: rows } = dy;
    const slots = this.slots(x);
    const source = stride === 1 ? x : this.everySecond(x);
    const size = { batch, block, height, width, kernel, rows };
    const { share } = slots;
    return fewRowsWeightGradient(graph, source.tensor, this.toNchw(dy), size, { share, owners: slots.owners(share) });
  }

  private wholeWeightGradient(x: Feature, dy: Feature, shape: ConvShape): string {
    const { graph } = this;
    if (shape.kernel === 1) {
      const source = shape.stride === 1 ? x : this.everySecond(x);
      return this.pointwiseWeightGradient(this.toNhwc(source), x.channels, this.toNchw(dy), dy);
    }
    const few = 2 * dy.channels <= x.channels && shape.stride === 1 && !this.images.has(x.tensor);
    if (!few) return this.dilatedWeightGradient(this.toNhwc(x), x, this.toNchw(dy), dy, shape);
    // Few rows: exchange the roles, so that the filter has many outputs; taps come out reversed, channels swapped.
    const back = { ...shape, padding: shape.kernel - 1 - shape.padding };
    const swapped = this.dilatedWeightGradient(this.toNhwc(dy), dy, this.toNchw(x), x, back);
    // By one Gather: a Transpose the runtime would replace by its own, and operators that it adds it computes first.
    const [rows, taps] = [dy.channels, shape.kernel ** 2];
    const sources = Array.from({ length: rows * taps * x.channels }, (_, i) => {
      const [row, tap, c] = [Math.floor(i / (taps * x.channels)), Math.floor(i / x.channels) % taps, i % x.channels];
      return (c * taps + taps - 1 - tap) * rows + row;
    });
    const ordered = graph.op("Gather", [graph.reshape(swapped, [sources.length]), graph.integers(sources)], {
      axis: 0,
    });
    return graph.reshape(ordered, [rows, shape.kernel, shape.kernel, x.channels]);
  }

  private winograd(x: Feature, shape: ConvShape): Tile | undefined {
    // Its result is blocked from NHWC, where free slots cannot be left.
    if (this.images.has(x.tensor) || !this.slots(x).full || shape.out % this.block !== 0) return undefined;
    return this.minimalTile(x, shape);
  }

  /** The tile by which a convolution and the gradient at its input are computed, where it is possible by one. */
  protected minimalTile(x: FeatureSize, shape: ConvShape): Tile | undefined {
    return winogradTile(x, shape, this.batch);
  }

  /** The same of the gradient at the weights. @param rows channels of dy */
  protected minimalGradientTile(x: FeatureSize, shape: ConvShape, rows: number): Tile | undefined {
    return winogradGradientTile(x, shape, rows, this.batch);
  }

  private winogradShape(x: Feature, outputs: number, tile: Tile) {
    return { batch: this.batch, side: x.height, tile, inputs: x.channels, outputs };
  }

  private winogradUnit(x: Feature, weight: string, { out }: ConvShape, tile: Tile, fuse: Fusion): Feature {
    const size = { channels: out, height: x.height, width: x.width };
    const y = winogradConv(this.graph, this.positionsFirst(x), weight, this.winogradShape(x, out, tile));
    const plain = { ...size, tensor: this.fromPositions(y, size) };
    if (!fuse.bias && !fuse.sum && !fuse.relu) return plain;
    return this.scaleShift(plain, this.graph.filled(out, 1), fuse.bias, fuse);
  }

  /** OHWI weights with rows and columns of zeros where the outputs' and inputs' slots are free. */
  private paddedWeight(weight: string, { out, kernel }: ConvShape, x: Feature): string {
    const inputs = this.images.has(x.tensor) ? undefined : this.slots(x);
    const outputs = this.slots({ channels: out });
    if (outputs.full && (inputs?.full ?? true)) return weight;
    const key = `${weight} ${inputs?.count}`;
    const known = this.paddedWeights.get(key);
    if (known !== undefined) return known;
    const rows = outputs.spread(this.graph, weight, [out, kernel, kernel, x.channels], 0);
    const padded = inputs?.spread(this.graph, rows, [outputs.count, kernel, kernel, x.channels], 3) ?? rows;
    this.paddedWeights.set(key, padded);
    return padded;
  }
}
