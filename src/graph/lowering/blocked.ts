import { NCHWC } from "../onnx.ts";
import { CommonLowering, type PoolWindow } from "./common.ts";
import {
  type ConvShape,
  type Feature,
  type Fusion,
  type Gradient,
  type Lowering,
  reversedTaps,
  STRIDE2_PHASES,
} from "./lowering.ts";
import type { Positions } from "./pool-gradient.ts";

/**
 * ONNX Runtime's channel-blocked CPU operators, emitted directly: `[N, C/B, H, W, B]` inside, B the block size that
 * the runtime uses on this processor. Channel counts must be multiples of B; only the image may have fewer.
 */
export class BlockedLowering extends CommonLowering implements Lowering {
  readonly kind = "blocked";
  private readonly block: number;
  private readonly images = new Set<string>();

  constructor(batch: number, block: number) {
    super(batch);
    this.block = block;
  }

  image(name: string, channels: number, height: number, width: number): Feature {
    const input = this.graph.input(name, [this.batch, channels, height, width]);
    if (channels < this.block) {
      this.images.add(input);
      return { tensor: input, channels, height, width };
    }
    return { tensor: this.graph.op("ReorderInput", [input], {}, NCHWC), channels, height, width };
  }

  toNchw(x: Feature): string {
    if (this.images.has(x.tensor)) return x.tensor;
    return this.graph.op("ReorderOutput", [x.tensor], { channels: x.channels, channels_last: 0 }, NCHWC);
  }

  conv(x: Feature, weight: string, shape: ConvShape, fuse: Fusion = {}): Feature {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    const taps = kernel * kernel;
    const blockedWeight = this.images.has(x.tensor)
      ? graph.transpose(graph.reshape(weight, [out / b, b, taps, x.channels]), [0, 3, 2, 1])
      : graph.transpose(graph.reshape(weight, [out / b, b, taps, x.channels / b, b]), [0, 3, 2, 4, 1]);
    const filter = graph.reshape(blockedWeight, [out, x.channels, kernel, kernel]);
    // A 1×1 convolution of stride 2 reads a quarter of its input: take that out first.
    const source = kernel === 1 && stride === 2 ? this.everySecond(x) : x;
    const step = source === x ? stride : 1;
    const side = (n: number) => Math.floor((n + 2 * padding - kernel) / step) + 1;
    const size = { channels: out, height: side(source.height), width: side(source.width) };
    return { ...size, tensor: this.blockedConv(source.tensor, filter, kernel, kernel, step, padding, fuse) };
  }

  convInputGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (this.images.has(x.tensor)) return this.imageGradient(dy, weight, shape, x, into);
    const flat = graph.reshape(weight, [out / b, b, kernel * kernel, x.channels / b, b]);
    const swapped = (taps: number[], kh: number, kw: number) => {
      const picked = graph.op("Gather", [flat, graph.integers(taps)], { axis: 2 });
      return graph.reshape(graph.transpose(picked, [3, 0, 2, 1, 4]), [x.channels, out, kh, kw]);
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

  /** An image has too few channels for a block: its gradient is computed for a full one and cut. */
  private imageGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph, block: b } = this;
    const { out, kernel, stride, padding } = shape;
    if (stride !== 1) throw new Error("the gradient of an image is known through convolutions of stride 1 only");
    const rows = graph.reshape(weight, [out / b, b, kernel * kernel, x.channels]);
    const padded = graph.op("Pad", [rows, graph.integers([0, 0, 0, 0, 0, 0, 0, b - x.channels])]);
    const picked = graph.op("Gather", [padded, graph.integers(reversedTaps(kernel))], { axis: 2 });
    const filter = graph.reshape(graph.transpose(picked, [0, 2, 1, 3]), [b, out, kernel, kernel]);
    const wide = this.blockedConv(dy.tensor, filter, kernel, kernel, 1, kernel - 1 - padding);
    const tensor = graph.op("ReorderOutput", [wide], { channels: x.channels, channels_last: 0 }, NCHWC);
    return this.accumulate(into, { ...x, tensor });
  }

  convWeightGradient(x: Feature, dy: Feature, shape: ConvShape): string {
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
    const filter = this.graph.reshape(scale, [x.channels, 1, 1, 1]);
    const bias = shift ?? (fuse.sum ? this.graph.filled(x.channels, 0) : undefined);
    return { ...x, tensor: this.blockedConv(x.tensor, filter, 1, 1, 1, 0, { ...fuse, bias }, x.channels) };
  }

  selectChannels(x: Feature, selector: string, rows: number): Feature {
    const { graph, block: b } = this;
    const filter = graph.transpose(graph.reshape(selector, [rows / b, b, x.channels / b, b]), [0, 2, 3, 1]);
    const tensor = this.blockedConv(x.tensor, graph.reshape(filter, [rows, x.channels, 1, 1]), 1, 1, 1, 0);
    return { ...x, channels: rows, tensor };
  }

  /** A depthwise convolution whose filter is the other tensor. */
  channelDots(a: Feature, b: Feature): string {
    const { graph, batch } = this;
    const planes = batch * a.channels;
    const filter = graph.reshape(b.tensor, [planes, 1, a.height, a.width]);
    const image = graph.reshape(a.tensor, [1, planes, a.height, a.width]);
    const dots = this.blockedConv(image, filter, a.height, a.width, 1, 0, {}, planes);
    return graph.reshape(dots, [batch, a.channels]);
  }

  channelSums(a: Feature): string {
    return this.graph.op("Mul", [this.globalPool(a), this.graph.scalar(a.height * a.width)]);
  }

  protected poolOnce(x: Feature, window: PoolWindow): string {
    return this.graph.op("MaxPool", [x.tensor], window, NCHWC);
  }

  protected positions(x: Feature): Positions {
    return [(this.batch * x.channels) / this.block, x.height, x.width, this.block];
  }

  protected upsample(x: Feature, factor: number): string {
    return this.graph.op("Upsample", [x.tensor], { scales: [1, 1, factor, factor] }, NCHWC);
  }

  globalPool(x: Feature): string {
    return this.graph.reshape(this.graph.op("GlobalAveragePool", [x.tensor], {}, NCHWC), [this.batch, x.channels]);
  }

  globalPoolGradient(dy: string, x: Feature): Feature {
    const { graph, batch, block: b } = this;
    const area = x.height * x.width;
    const each = graph.op("Mul", [dy, graph.scalar(1 / area)]);
    const cells = graph.reshape(each, [batch, x.channels / b, 1, b]);
    const spread = graph.op("Expand", [cells, graph.integers([batch, x.channels / b, area, b])]);
    return { ...x, tensor: graph.reshape(spread, [batch, x.channels, x.height, x.width]) };
  }

  settle(gradient: Gradient, x: Feature): Feature {
    if (gradient.phase0 === undefined) return { ...x, tensor: gradient.full! };
    const zero = this.graph.op("Mul", [gradient.phase0, this.graph.scalar(0)]);
    const tensor = this.interleave([gradient.phase0, zero, zero, zero], x);
    return { ...x, tensor: this.accumulate({ full: gradient.full }, { ...x, tensor }).full! };
  }

  private toNhwc(x: Feature): string {
    if (this.images.has(x.tensor)) return this.graph.transpose(x.tensor, [0, 2, 3, 1]);
    if (x.channels === this.block) return x.tensor; // one block of channels is NHWC already
    return this.graph.op("ReorderOutput", [x.tensor], { channels: x.channels, channels_last: 1 }, NCHWC);
  }

  private everySecond(x: Feature): Feature {
    const { graph, batch, block: b } = this;
    const size = { channels: x.channels, height: x.height / 2, width: x.width / 2 };
    const cells = graph.reshape(x.tensor, [(batch * x.channels) / b, x.height, x.width, b]);
    const slices = [
      [0, 0],
      [x.height, x.width],
      [1, 2],
      [2, 2],
    ].map((values) => graph.integers(values));
    const taken = graph.op("Slice", [cells, ...slices]);
    return { ...size, tensor: graph.reshape(taken, [batch, size.channels, size.height, size.width]) };
  }

  /** Four phases at half resolution → one map at full resolution. */
  private interleave(phases: string[], x: Feature): string {
    const { graph, batch, block: b } = this;
    const [c, h, w] = [x.channels, x.height / 2, x.width / 2];
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
    { bias, sum, relu }: Fusion = {},
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
      activation: relu ? "Relu" : undefined,
    };
    return this.graph.op("Conv", inputs, attributes, NCHWC);
  }
}
