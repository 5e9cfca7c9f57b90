import { NCHWC } from "../onnx.ts";
import { ChannelSlots, roundUp } from "./channel-slots.ts";
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
    const padded = this.slots(image).spread(this.graph, value, [this.batch, channels, height, width], 1);
    return { ...image, tensor: this.graph.op("ReorderInput", [padded], {}, NCHWC) };
  }

  toNchw(x: Feature): string {
    if (this.images.has(x.tensor)) return x.tensor;
    const slots = this.slots(x);
    if (slots.whole) return this.reorderOutput(x, x.channels, 0);
    return slots.collect(this.graph, this.reorderOutput(x, slots.count, 0), 1);
  }

  conv(input: Feature, weight: string, shape: ConvShape, fuse: Fusion = {}): Feature {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (this.winograd(input, shape)) return this.winogradUnit(input, weight, shape, fuse);
    const x = kernel > 1 ? this.narrowAsImage(input) : input;
    const taps = kernel * kernel;
    const padded = this.paddedWeight(weight, shape, x);
    const [rows, columns] = [roundUp(out, b), this.slotCount(x)];
    const blockedWeight = this.images.has(x.tensor)
      ? graph.transpose(graph.reshape(padded, [rows / b, b, taps, columns]), [0, 3, 2, 1])
      : graph.transpose(graph.reshape(padded, [rows / b, b, taps, columns / b, b]), [0, 3, 2, 4, 1]);
    const filter = graph.reshape(blockedWeight, [rows, columns, kernel, kernel]);
    // A 1×1 convolution of stride 2 reads a quarter of its input: take that out first.
    const source = kernel === 1 && stride === 2 ? this.everySecond(x) : x;
    const step = source === x ? stride : 1;
    const side = (n: number) => Math.floor((n + 2 * padding - kernel) / step) + 1;
    const size = { channels: out, height: side(source.height), width: side(source.width) };
    const bias = fuse.bias && this.slots(size).spread(graph, fuse.bias, [out], 0);
    const options = { ...fuse, bias };
    return { ...size, tensor: this.blockedConv(source.tensor, filter, kernel, kernel, step, padding, options) };
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
    const padded = this.paddedWeight(weight, shape, x);
    const flat = graph.reshape(padded, [rows / b, b, kernel * kernel, columns / b, b]);
    const swapped = (taps: number[], kh: number, kw: number) => {
      const picked = graph.op("Gather", [flat, graph.integers(taps)], { axis: 2 });
      return graph.reshape(graph.transpose(picked, [3, 0, 2, 1, 4]), [columns, rows, kh, kw]);
    };
    const sumOf = (tensor: string | undefined) => (tensor ? { sum: { ...x, tensor } } : {});

    if (stride === 1) {
      const filter = swapped(reversedTaps(kernel), kernel, kernel);
      const back = kernel - 1 - padding;
      return { ...into, full: this.blockedConv(dy.tensor, filter, kernel, kernel, 1, back, sumOf(into?.full)) };
    }
    if (kernel === 1) {
      const even = this.blockedConv(dy.tensor, swapped([0], 1, 1), 1, 1, 1, 0, sumOf(into?.phase0));
      return { ...into, phase0: even };
    }
    if (kernel !== 3 || stride !== 2 || padding !== 1 || x.height % 2 !== 0 || x.width % 2 !== 0) {
      throw new Error("stride-2 convolutions must be 1×1 or 3×3 with padding on even sides");
    }
    const phases = STRIDE2_PHASES.map(([taps, kh, kw], i) =>
      this.blockedConv(
        dy.tensor,
        swapped(taps, kh, kw),
        kh,
        kw,
        1,
        [0, 0, kh - 1, kw - 1],
        i === 0 ? sumOf(into?.phase0) : {},
      ),
    );
    const tensor = this.interleave(phases, x);
    return this.accumulate(into?.full === undefined ? undefined : { full: into.full }, { ...x, tensor });
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
    const { graph, block: b } = this;
    const picked = { ...x, channels: rows, parts: undefined };
    const [from, to] = [this.slots(x), this.slots(picked)];
    const columns = from.spread(graph, selector, [rows, x.channels], 1);
    const padded = to.spread(graph, columns, [rows, from.count], 0);
    const filter = graph.transpose(graph.reshape(padded, [to.count / b, b, from.count / b, b]), [0, 2, 3, 1]);
    const tensor = this.blockedConv(x.tensor, graph.reshape(filter, [to.count, from.count, 1, 1]), 1, 1, 1, 0);
    return { ...picked, tensor };
  }

  /** A depthwise convolution whose filter is the other tensor. */
  channelDots(a: Feature, b: Feature): string {
    const { graph, batch } = this;
    const slots = this.slots(a);
    const planes = batch * slots.count;
    const filter = graph.reshape(b.tensor, [planes, 1, a.height, a.width]);
    const image = graph.reshape(a.tensor, [1, planes, a.height, a.width]);
    const dots = this.blockedConv(image, filter, a.height, a.width, 1, 0, {}, planes);
    return slots.collect(graph, graph.reshape(dots, [batch, slots.count]), 1);
  }

  channelSums(a: Feature): string {
    return this.graph.op("Mul", [this.globalPool(a), this.graph.scalar(a.height * a.width)]);
  }

  protected poolOnce(x: Feature, window: PoolWindow, type: "MaxPool" | "AveragePool" = "MaxPool"): string {
    return this.graph.op(type, [x.tensor], window, NCHWC);
  }

  protected positions(x: Feature): Positions {
    return [(this.batch * this.slotCount(x)) / this.block, x.height, x.width, this.block];
  }

  /** Depthwise convolutions along the axis: neighbour, difference and step in one pass. */
  protected override axisOperators(x: Feature, axis: Axis): AxisOperators {
    const { graph, batch, block: b } = this;
    const slots = this.slotCount(x);
    const [nchw, positions] = [[batch, slots, x.height, x.width], [...this.positions(x)]];
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
    const { graph } = this;
    const slots = this.slots(x);
    const means = graph.reshape(graph.op("GlobalAveragePool", [x.tensor], {}, NCHWC), [this.batch, slots.count]);
    return slots.collect(graph, means, 1);
  }

  globalPoolGradient(dy: string, x: Feature): Feature {
    const { graph, batch, block: b } = this;
    const area = x.height * x.width;
    const slots = this.slots(x);
    const each = graph.op("Mul", [slots.spread(graph, dy, [batch, x.channels], 1), graph.scalar(1 / area)]);
    const cells = graph.reshape(each, [batch, slots.count / b, 1, b]);
    const spread = graph.op("Expand", [cells, graph.integers([batch, slots.count / b, area, b])]);
    return { ...x, tensor: graph.reshape(spread, [batch, slots.count, x.height, x.width]) };
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
    return this.reorderOutput(x, x.channels, 1);
  }

  private reorderOutput(x: Feature, channels: number, channelsLast: number): string {
    return this.graph.op("ReorderOutput", [x.tensor], { channels, channels_last: channelsLast }, NCHWC);
  }

  private slots(x: Pick<Feature, "channels" | "parts">): ChannelSlots {
    return new ChannelSlots(x.parts ?? [x.channels], this.block);
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
    const { graph, batch, block: b } = this;
    const size = { channels: x.channels, parts: x.parts, height: x.height / 2, width: x.width / 2 };
    const slots = this.slotCount(x);
    const cells = graph.reshape(x.tensor, [(batch * slots) / b, x.height, x.width, b]);
    const slices = [
      [0, 0],
      [x.height, x.width],
      [1, 2],
      [2, 2],
    ].map((values) => graph.integers(values));
    const taken = graph.op("Slice", [cells, ...slices]);
    return { ...size, tensor: graph.reshape(taken, [batch, slots, size.height, size.width]) };
  }

  /** Four phases at half resolution → one map at full resolution. */
  private interleave(phases: string[], x: Feature): string {
    const { graph, batch, block: b } = this;
    const [c, h, w] = [this.slotCount(x), x.height / 2, x.width / 2];
    const joined = graph.reshape(graph.op("Concat", phases, { axis: 1 }), [batch, 2, 2, c / b, h, w, b]);
    return graph.reshape(graph.transpose(joined, [0, 3, 4, 1, 5, 2, 6]), [batch, c, x.height, x.width]);
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
