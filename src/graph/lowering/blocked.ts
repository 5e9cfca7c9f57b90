import { NCHWC } from "../onnx.ts";
import { ChannelSlots, roundUp, type SlotOwner, sharedFilter, sharing } from "./channel-slots.ts";
import { CommonLowering, type PoolWindow } from "./common.ts";
import {
  type ConvShape,
  type Feature,
  type FeatureSize,
  type Fusion,
  type Gradient,
  type Lowering,
  reversedTaps,
  STRIDE2_PHASES,
} from "./lowering.ts";
import { type Axis, type AxisOperators, type Positions, STEP } from "./pool-gradient.ts";
import {
  winogradConv,
  winogradGradientPays,
  winogradInputGradient,
  winogradPays,
  winogradWeightGradient,
} from "./winograd.ts";

/** Up to so many channels the runtime's convolution takes its input unblocked. */
const MOST_IMAGE_CHANNELS = 3;

/**
 * ONNX Runtime's channel-blocked CPU operators, emitted directly: `[N, C/B, H, W, B]` inside, B the block size that
 * the runtime uses on this processor. Channels are padded with zeros to a multiple of B (`ChannelSlots`), inside only:
 * what goes in and comes out has as many as the network. The image stays as it is.
 */
export class BlockedLowering extends CommonLowering implements Lowering {
  readonly kind = "blocked";
  private readonly block: number;
  private readonly unblocksNarrow: boolean;
  private readonly images = new Set<string>();
  private readonly unblocked = new Map<string, string>();
  private readonly paddedWeights = new Map<string, string>();

  /**
   * @param options.unblocksNarrow whether features that fill at most half a block go into convolutions unblocked: faster,
   *   since nothing is multiplied with free slots, but sums run in another order
   */
  constructor(batch: number, block: number, options: { unblocksNarrow?: boolean } = {}) {
    super(batch);
    this.block = block;
    this.unblocksNarrow = options.unblocksNarrow ?? false;
  }

  image(name: string, channels: number, height: number, width: number): Feature {
    return this.fromNchw(this.graph.input(name, [this.batch, channels, height, width]), channels, height, width);
  }

  feature(name: string, channels: number, height: number, width: number): Feature {
    return this.toBlocks(this.graph.input(name, [this.batch, channels, height, width]), channels, height, width);
  }

  fromNchw(value: string, channels: number, height: number, width: number): Feature {
    if (channels > MOST_IMAGE_CHANNELS) return this.toBlocks(value, channels, height, width);
    this.images.add(value);
    return { tensor: value, channels, height, width };
  }

  private toBlocks(value: string, channels: number, height: number, width: number): Feature {
    const image = { tensor: value, channels, height, width };
    // The images that share a block follow each other: together they are one image of all their channels.
    const { share } = this.slots(image);
    const shape = [this.batch / share, channels * share, height, width];
    const joined = share > 1 ? this.graph.reshape(value, shape) : value;
    const padded = this.joinedSlots(image).spread(this.graph, joined, shape, 1);
    return { ...image, tensor: this.graph.op("ReorderInput", [padded], {}, NCHWC) };
  }

  toNchw(x: Feature): string {
    if (this.images.has(x.tensor)) return x.tensor;
    const slots = this.slots(x);
    if (slots.share > 1) {
      return this.graph.reshape(this.reorderOutput(x, x.channels * slots.share, 0), this.nchw(x));
    }
    if (slots.whole) return this.reorderOutput(x, x.channels, 0);
    return slots.collect(this.graph, this.reorderOutput(x, slots.count, 0), 1);
  }

  conv(input: Feature, weight: string, shape: ConvShape, fuse: Fusion = {}): Feature {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (this.winograd(input, shape)) return this.winogradUnit(input, weight, shape, fuse);
    const x = kernel > 1 ? this.narrowAsImage(input) : input;
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
    result: FeatureSize,
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

  /** What the slots of so many images' tensor hold, side by side. */
  private owners(x: Feature, images: number): SlotOwner[] {
    if (!this.images.has(x.tensor)) return this.slots(x).owners(images);
    return Array.from({ length: images * x.channels }, (_, slot) => {
      return { image: Math.floor(slot / x.channels), channel: slot % x.channels };
    });
  }

  /** A feature whose blocks `from` images share, as one whose blocks `to` images share. */
  private regroup(tensor: string, { channels, height, width }: FeatureSize, from: number, to: number): string {
    if (from === to) return tensor;
    const { graph, batch, block } = this;
    const images = Math.max(from, to);
    const [given, taken] = [from, to].map((share) => new ChannelSlots([channels], block, share));
    const [rows, columns] = [taken.owners(images), given.owners(images)];
    const value = (i: number) => {
      const [inner, c, r] = [i % block, Math.floor(i / block) % block, Math.floor(i / block ** 2)];
      const row = rows[Math.floor((r * block) / columns.length) * block + inner];
      const column = columns[((r * block) % columns.length) + c];
      return row && column && row.image === column.image && row.channel === column.channel ? 1 : 0;
    };
    const filter = graph.vector(`regroup_${channels}_${from}_${to}`, [rows.length, columns.length, 1, 1], value);
    const joined = graph.reshape(tensor, [batch / images, columns.length, height, width]);
    const y = this.blockedConv(joined, filter, 1, 1, 1, 0);
    return graph.reshape(y, [batch / to, taken.count, height, width]);
  }

  convInputGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (this.images.has(x.tensor)) return this.imageGradient(dy, weight, shape, x, into);
    if (this.winograd(x, shape)) {
      const dx = winogradInputGradient(graph, this.positionsFirst(dy), weight, this.winogradShape(x, out));
      return this.accumulate(into, { ...x, tensor: this.fromPositions(dx, x) });
    }
    if (kernel > 1 && stride === 1) {
      const image = this.narrowAsImage(dy);
      if (image !== dy) return this.narrowGradient(image, weight, shape, x, into);
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
    const half = { channels: x.channels, parts: x.parts, height: x.height / stride, width: x.width / stride };
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
    if (kernel !== 3 || stride !== 2 || padding !== 1 || x.height % 2 !== 0 || x.width % 2 !== 0) {
      throw new Error("stride-2 convolutions must be 1×1 or 3×3 with padding on even sides");
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

  /** The gradient through a convolution whose outputs are few, and unblocked here. */
  private narrowGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, padding } = shape;
    const slots = this.slots(x);
    const padded = slots.spread(graph, weight, [out, kernel, kernel, x.channels], 3);
    const flat = graph.reshape(padded, [out, kernel * kernel, slots.count / b, b]);
    const picked = graph.op("Gather", [flat, graph.integers(reversedTaps(kernel))], { axis: 1 });
    const filter = graph.reshape(graph.transpose(picked, [2, 0, 1, 3]), [slots.count, out, kernel, kernel]);
    const fuse = into?.full === undefined ? {} : { sum: { ...x, tensor: into.full } };
    return { ...into, full: this.blockedConv(dy.tensor, filter, kernel, kernel, 1, kernel - 1 - padding, fuse) };
  }

  /** An image has too few channels for a block: its gradient is computed for a full one and cut. */
  private imageGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (stride !== 1) throw new Error("the gradient of an image is known through convolutions of stride 1 only");
    const { share } = this.slots(dy);
    if (share > 1) {
      let images = share;
      while (images * x.channels > b) images /= 2;
      const columns = new ChannelSlots([out], b, images).owners(images);
      const filter = this.swappedFilter(weight, shape, x, columns, images, reversedTaps(kernel), kernel, kernel);
      const source = this.regroup(dy.tensor, dy, share, images);
      const joined = this.blockedConv(source, filter, kernel, kernel, 1, kernel - 1 - padding);
      const options = { channels: images * x.channels, channels_last: 0 };
      const image = graph.reshape(graph.op("ReorderOutput", [joined], options, NCHWC), this.nchw(x));
      return this.accumulate(into, { ...x, tensor: image });
    }
    const source = this.narrowAsImage(dy);
    // An unblocked source's channels are all there are, each a part of its own.
    const [rows, part] = source === dy ? [roundUp(out, b), b] : [out, 1];
    const whole = source === dy ? this.paddedWeight(weight, shape, x) : weight;
    const blocks = graph.reshape(whole, [rows / part, part, kernel * kernel, x.channels]);
    const padded = graph.op("Pad", [blocks, graph.integers([0, 0, 0, 0, 0, 0, 0, b - x.channels])]);
    const picked = graph.op("Gather", [padded, graph.integers(reversedTaps(kernel))], { axis: 2 });
    const filter = graph.reshape(graph.transpose(picked, [0, 2, 1, 3]), [b, rows, kernel, kernel]);
    const wide = this.blockedConv(source.tensor, filter, kernel, kernel, 1, kernel - 1 - padding);
    const tensor = graph.op("ReorderOutput", [wide], { channels: x.channels, channels_last: 0 }, NCHWC);
    return this.accumulate(into, { ...x, tensor });
  }

  convWeightGradient(x: Feature, dy: Feature, shape: ConvShape): string {
    const slots = this.slots(x);
    if (!this.images.has(x.tensor) && slots.full && winogradGradientPays(x, shape, dy.channels, this.batch)) {
      const [from, to] = [this.positionsFirst(x), this.positionsFirst(dy)];
      return winogradWeightGradient(this.graph, from, to, this.winogradShape(x, dy.channels));
    }
    if (this.images.has(x.tensor) || slots.whole) return this.wholeWeightGradient(x, dy, shape);
    const gradient = this.wholeWeightGradient({ ...x, channels: slots.count, parts: undefined }, dy, shape);
    return slots.collect(this.graph, gradient, 3);
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
    const taps = shape.kernel * shape.kernel;
    const flat = graph.reshape(swapped, [x.channels, taps, dy.channels]);
    const ordered = graph.op("Gather", [flat, graph.integers(reversedTaps(shape.kernel))], { axis: 1 });
    return graph.reshape(graph.transpose(ordered, [2, 1, 0]), [dy.channels, shape.kernel, shape.kernel, x.channels]);
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

  selectChannels(x: Feature, selector: string, rows: number): Feature {
    const weight = this.graph.reshape(selector, [rows, 1, 1, x.channels]);
    return this.conv(x, weight, { out: rows, kernel: 1, stride: 1, padding: 0 });
  }

  /** A depthwise convolution whose filter is the other tensor. */
  channelDots(a: Feature, b: Feature): string {
    const { graph, batch } = this;
    const slots = this.slots(a);
    const planes = (batch / slots.share) * slots.count;
    const filter = graph.reshape(b.tensor, [planes, 1, a.height, a.width]);
    const image = graph.reshape(a.tensor, [1, planes, a.height, a.width]);
    const dots = this.blockedConv(image, filter, a.height, a.width, 1, 0, {}, planes);
    return this.perImage(graph.reshape(dots, [batch / slots.share, slots.count]), a);
  }

  channelSums(a: Feature): string {
    return this.graph.op("Mul", [this.globalPool(a), this.graph.scalar(a.height * a.width)]);
  }

  protected poolOnce(x: Feature, window: PoolWindow, type: "MaxPool" | "AveragePool" = "MaxPool"): string {
    return this.graph.op(type, [x.tensor], window, NCHWC);
  }

  protected positions(x: Feature): Positions {
    const [joined, slots] = this.extent(x);
    return [(joined * slots) / this.block, x.height, x.width, this.block];
  }

  /** Depthwise convolutions along the axis: neighbour, difference and step in one pass. */
  protected override axisOperators(x: Feature, axis: Axis): AxisOperators {
    const { graph, block: b } = this;
    const slots = this.slotCount(x);
    const [nchw, positions] = [this.extent(x), [...this.positions(x)]];
    /** Per channel `Σ_k taps[k]·v[i + k − 1]`, or `taps[0]·v[i]`, plus `sum`. */
    const weighted = (v: string, taps: number[], sum?: string, step?: boolean) => {
      const [kh, kw] = axis === "height" ? [taps.length, 1] : [1, taps.length];
      const name = `taps_${taps.join("_")}_${slots}`;
      const filter = graph.vector(name, [slots, 1, kh, kw], (i) => taps[Math.floor(i / b) % taps.length]);
      const pads = [kh >> 1, kw >> 1, kh >> 1, kw >> 1];
      const fuse = { sum: sum === undefined ? undefined : { ...x, tensor: graph.reshape(sum, nchw) }, step };
      const result = this.blockedConv(graph.reshape(v, nchw), filter, kh, kw, 1, pads, fuse, slots);
      return graph.reshape(result, positions);
    };
    return {
      next: (v) => weighted(v, [0, 0, 1]),
      reachesNext: (v, y) => weighted(y, [0, 0, -1], v, true),
      reaches: (v, y) => weighted(y, [-1], v, true),
      passOn: (dy, kept) => weighted(kept, [-1, 1, 0], weighted(dy, [1, 0, 0])),
      minusPrevious: (v, w) => weighted(w, [-1, 0, 0], v),
    };
  }

  protected upsample(x: Feature, factor: number): string {
    return this.graph.op("Upsample", [x.tensor], { scales: [1, 1, factor, factor] }, NCHWC);
  }

  globalPool(x: Feature): string {
    const { graph, batch } = this;
    const { count, share } = this.slots(x);
    const means = graph.op("GlobalAveragePool", [x.tensor], {}, NCHWC);
    return this.perImage(graph.reshape(means, [batch / share, count]), x);
  }

  /** Values of every slot, `[batch / share, slots]`, as `[batch, channels]`. */
  private perImage(value: string, x: Feature): string {
    const collected = this.joinedSlots(x).collect(this.graph, value, 1);
    return this.slots(x).share > 1 ? this.graph.reshape(collected, [this.batch, x.channels]) : collected;
  }

  globalPoolGradient(dy: string, x: Feature): Feature {
    const { graph, batch, block: b } = this;
    const area = x.height * x.width;
    const { count, share } = this.slots(x);
    const shape = [batch / share, share * x.channels];
    const joined = share > 1 ? graph.reshape(dy, shape) : dy;
    const each = graph.op("Mul", [this.joinedSlots(x).spread(graph, joined, shape, 1), graph.scalar(1 / area)]);
    const cells = graph.reshape(each, [batch / share, count / b, 1, b]);
    const spread = graph.op("Expand", [cells, graph.integers([batch / share, count / b, area, b])]);
    return { ...x, tensor: graph.reshape(spread, this.extent(x)) };
  }

  settle(gradient: Gradient, x: Feature): Feature {
    if (gradient.phase0 === undefined) return { ...x, tensor: gradient.full! };
    const zero = this.graph.op("Mul", [gradient.phase0, this.graph.scalar(0)]);
    const tensor = this.interleave([gradient.phase0, zero, zero, zero], x);
    return { ...x, tensor: this.accumulate({ full: gradient.full }, { ...x, tensor }).full! };
  }

  private winograd(x: Feature, shape: ConvShape): boolean {
    return !this.images.has(x.tensor) && this.slots(x).full && winogradPays(x, shape, this.batch);
  }

  private winogradShape(x: Feature, outputs: number) {
    return { batch: this.batch, side: x.height, inputs: x.channels, outputs };
  }

  private winogradUnit(x: Feature, weight: string, { out }: ConvShape, fuse: Fusion): Feature {
    const size = { channels: out, height: x.height, width: x.width };
    const y = winogradConv(this.graph, this.positionsFirst(x), weight, this.winogradShape(x, out));
    const plain = { ...size, tensor: this.fromPositions(y, size) };
    if (!fuse.bias && !fuse.sum && !fuse.relu) return plain;
    return this.scaleShift(plain, this.graph.filled(out, 1), fuse.bias, fuse);
  }

  /** A feature position by position, `[H·W, N·C]`. */
  private positionsFirst(x: Feature): string {
    const { graph, batch } = this;
    const area = x.height * x.width;
    const images = graph.reshape(this.toNhwc(x), [batch, area, x.channels]);
    return graph.reshape(graph.transpose(images, [1, 0, 2]), [area, batch * x.channels]);
  }

  private fromPositions(value: string, { channels, height, width }: FeatureSize): string {
    const { graph, batch } = this;
    const positions = graph.reshape(value, [height * width, batch, channels]);
    const nhwc = graph.reshape(graph.transpose(positions, [1, 0, 2]), [batch, height, width, channels]);
    return graph.op("ReorderInput", [nhwc], { channels_last: 1 }, NCHWC);
  }

  /** A feature that fills at most half of its one block as an image; any other as it is. */
  private narrowAsImage(x: Feature): Feature {
    if (!this.unblocksNarrow || this.images.has(x.tensor) || 2 * x.channels > this.block) return x;
    let tensor = this.unblocked.get(x.tensor);
    if (tensor === undefined) {
      tensor = this.toNchw(x);
      this.unblocked.set(x.tensor, tensor);
      this.images.add(tensor);
    }
    return { ...x, tensor };
  }

  private toNhwc(x: Feature): string {
    if (this.images.has(x.tensor)) return this.graph.transpose(x.tensor, [0, 2, 3, 1]);
    if (x.channels === this.block) return x.tensor; // one block of channels is NHWC already
    const { share } = this.slots(x);
    if (share === 1) return this.reorderOutput(x, x.channels, 1);
    if (x.channels === 1) return this.toNchw(x);
    const { graph, batch } = this;
    const joined = share * x.channels === this.block ? x.tensor : this.reorderOutput(x, share * x.channels, 1);
    const apart = graph.reshape(joined, [batch / share, x.height * x.width, share, x.channels]);
    return graph.reshape(graph.transpose(apart, [0, 2, 1, 3]), [batch, x.height, x.width, x.channels]);
  }

  private reorderOutput(x: Feature, channels: number, channelsLast: number): string {
    return this.graph.op("ReorderOutput", [x.tensor], { channels, channels_last: channelsLast }, NCHWC);
  }

  private slots(x: Pick<Feature, "channels" | "parts"> & { tensor?: string }): ChannelSlots {
    const apart = this.unblocksNarrow || x.parts !== undefined || (x.tensor !== undefined && this.images.has(x.tensor));
    const share = apart ? 1 : sharing(x.channels, this.block, this.batch);
    return new ChannelSlots(x.parts ?? [x.channels], this.block, share);
  }

  /** The slots of images that share a block, as those of one image with all their channels. */
  private joinedSlots(x: Feature): ChannelSlots {
    const slots = this.slots(x);
    return slots.share === 1 ? slots : new ChannelSlots([slots.share * x.channels], this.block);
  }

  private nchw(x: Feature): number[] {
    return [this.batch, x.channels, x.height, x.width];
  }

  protected override extent(x: Feature): number[] {
    return [this.batch / this.slots(x).share, this.slotCount(x), x.height, x.width];
  }

  override keep(key: string, x: Feature): void {
    super.keep(key, { ...x, tensor: this.regroup(x.tensor, x, this.slots(x).share, 1) });
  }

  override kept(name: string, size: FeatureSize, count: number, rows: string): Feature {
    const x = super.kept(name, size, count, rows);
    return { ...x, tensor: this.regroup(x.tensor, x, 1, this.slots(size).share) };
  }

  override concat(parts: readonly Feature[]): Feature {
    const alone = parts.map((part) => {
      return { ...part, tensor: this.regroup(part.tensor, part, this.slots(part).share, 1) };
    });
    return super.concat(alone);
  }

  override splitChannels(dy: Feature, parts: readonly Feature[]): Feature[] {
    return super.splitChannels(dy, parts).map((part) => {
      return { ...part, tensor: this.regroup(part.tensor, part, 1, this.slots(part).share) };
    });
  }

  protected slotCount(x: Feature): number {
    return this.images.has(x.tensor) ? x.channels : this.slots(x).count;
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

  private everySecond(x: Feature): Feature {
    const { graph } = this;
    const size = { channels: x.channels, parts: x.parts, height: x.height / 2, width: x.width / 2 };
    const cells = graph.reshape(x.tensor, [...this.positions(x)]);
    const slices = [
      [0, 0],
      [x.height, x.width],
      [1, 2],
      [2, 2],
    ].map((values) => graph.integers(values));
    const taken = graph.op("Slice", [cells, ...slices]);
    const [joined, slots] = this.extent(x);
    return { ...size, tensor: graph.reshape(taken, [joined, slots, size.height, size.width]) };
  }

  /** Four phases at half resolution → one map at full resolution. */
  private interleave(phases: string[], x: Feature): string {
    const { graph, block: b } = this;
    const [n, c, height, width] = this.extent(x);
    const apart = [n, 2, 2, c / b, height / 2, width / 2, b];
    const joined = graph.reshape(graph.op("Concat", phases, { axis: 1 }), apart);
    return graph.reshape(graph.transpose(joined, [0, 3, 4, 1, 5, 2, 6]), [n, c, height, width]);
  }

  private blockedConv(
    x: string,
    filter: string,
    kh: number,
    kw: number,
    stride: number,
    padding: number | number[],
    { bias, sum, relu, step }: Fusion & { step?: boolean } = {},
    group = 1,
  ): string {
    const inputs = [x, filter];
    if (bias || sum) inputs.push(bias ?? "");
    if (sum) inputs.push(sum.tensor);
    const pads = typeof padding === "number" ? [padding, padding, padding, padding] : padding;
    const attributes = {
      kernel_shape: [kh, kw],
      strides: [stride, stride],
      dilations: [1, 1],
      pads,
      group,
      activation: relu ? "Relu" : step ? "HardSigmoid" : undefined,
      activation_params: step ? { floats: [STEP.alpha, STEP.beta] } : undefined,
    };
    return this.graph.op("Conv", inputs, attributes, NCHWC);
  }
}
