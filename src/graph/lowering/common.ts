import { type Attribute, GraphBuilder } from "../onnx.ts";
import { sideAfter } from "../ops/windows.ts";
import {
  type ConvShape,
  type Feature,
  type FeatureSize,
  type Fusion,
  type Gradient,
  type PoolShape,
  type Storage,
  weightGradientGroups,
} from "./lowering.ts";
import {
  type Axis,
  type AxisOperators,
  axisPoolGradient,
  axisPoolGradientStride2,
  type Positions,
  plainAxisOperators,
  reaches,
} from "./pool-gradient.ts";

/** A pooling operator's attributes. */
export type PoolWindow = Record<"kernel_shape" | "strides" | "pads", number[]>;

/** How many channels a standard convolution reads and writes. */
export interface ConvChannels {
  input: number;
  output: number;
}

/** What all lowerings share: elementwise operators, which no layout changes, and the weight gradient. */
export abstract class CommonLowering {
  readonly graph: GraphBuilder;
  readonly batch: number;

  constructor(batch: number, graph = new GraphBuilder()) {
    this.batch = batch;
    this.graph = graph;
  }

  /** How many channels the tensor has: more than the feature where the layout leaves some free. */
  protected abstract slotCount(x: Feature): number;
  /** One pooling operator in the lowering's layout. */
  protected abstract poolOnce(x: Feature, window: PoolWindow, type?: "MaxPool" | "AveragePool"): string;
  /** The layout of a feature as a pooling window sees it. */
  protected abstract positions(x: Feature): Positions;
  /** A feature as an ordinary NCHW value, and such a value in the layout that x has. */
  abstract toNchw(x: Feature): string;
  protected abstract laidOutAs(x: Feature, nchw: string): Feature;
  /** Every position repeated `factor` times in both directions. */
  protected abstract upsample(x: Feature, factor: number): string;

  /** The shape of a feature's tensor. */
  protected extent(x: Feature): number[] {
    return [this.batch, this.slotCount(x), x.height, x.width];
  }

  keep(key: string, x: Feature): void {
    // A value has one name as an output, so that one feature may be kept under several keys.
    const value = this.graph.op("Identity", [x.tensor]);
    this.graph.output(key, value, [this.batch, this.slotCount(x), x.height, x.width]);
  }

  kept(name: string, size: FeatureSize, count: number, rows: string): Feature {
    const slots = this.slotCount({ ...size, tensor: name });
    const all = this.graph.input(name, [count, slots, size.height, size.width]);
    return { ...size, tensor: this.graph.op("Gather", [all, rows], { axis: 0 }) };
  }

  store(key: string, x: Feature): void {
    // As in `keep`.
    this.graph.output(key, this.graph.op("Identity", [x.tensor]), this.extent(x));
  }

  stored(name: string, size: FeatureSize): Feature {
    return { ...size, tensor: this.graph.input(name, this.extent({ ...size, tensor: name })) };
  }

  storage({ channels, height, width }: FeatureSize): Storage {
    const area = height * width;
    const start = (image: number, channel: number) => (image * channels + channel) * area;
    return { length: this.batch * channels * area, start, step: 1 };
  }

  abs(x: Feature): Feature {
    return { ...x, tensor: this.graph.op("Abs", [x.tensor]) };
  }

  relu(x: Feature): Feature {
    return { ...x, tensor: this.graph.op("Relu", [x.tensor]) };
  }

  add(a: Feature, b: Feature, relu: boolean): Feature {
    const sum = this.graph.op("Add", [a.tensor, b.tensor]);
    return { ...a, tensor: relu ? this.graph.op("Relu", [sum]) : sum };
  }

  /** HardSigmoid with a huge slope is a step function, and faster than Sign, Greater or Where on the CPU. */
  reluGate(y: Feature): Feature {
    return { ...y, tensor: this.graph.op("HardSigmoid", [y.tensor], { alpha: { float: 1e20 }, beta: { float: 0 } }) };
  }

  reluGradient(dy: Feature, gate: Feature): Feature {
    return { ...dy, tensor: this.graph.op("Mul", [dy.tensor, gate.tensor]) };
  }

  splitBatch(x: Feature): [Feature, Feature] {
    const [a, b] = this.graph.ops("Split", [x.tensor], 2, { axis: 0 });
    return [
      { ...x, tensor: a },
      { ...x, tensor: b },
    ];
  }

  joinBatch(a: Feature, b: Feature): Feature {
    return { ...a, tensor: this.graph.op("Concat", [a.tensor, b.tensor], { axis: 0 }) };
  }

  concat(parts: readonly Feature[]): Feature {
    const tensor = this.graph.op(
      "Concat",
      parts.map((part) => part.tensor),
      { axis: 1 },
    );
    return { ...parts[0], tensor, channels: parts.reduce((sum, { channels }) => sum + channels, 0) };
  }

  splitChannels(dy: Feature, parts: readonly Feature[]): Feature[] {
    const { graph } = this;
    const sizes = graph.integers(parts.map((part) => this.slotCount(part)));
    const tensors = graph.ops("Split", [dy.tensor, sizes], parts.length, { axis: 1 });
    return parts.map((part, i) => ({ ...part, tensor: tensors[i] }));
  }

  maxPool(x: Feature, shape: PoolShape): Feature {
    const { kernel, stride, padding } = shape;
    const tensor = this.poolOnce(x, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    });
    return { ...x, tensor, height: sideAfter(x.height, shape), width: sideAfter(x.width, shape) };
  }

  maxPoolGradient(dy: Feature, x: Feature, y: Feature, shape: PoolShape, shareTies = false): Feature {
    const { kernel, stride, padding } = shape;
    if (kernel === stride && padding === 0) return this.disjointPoolGradient(dy, x, y, kernel, shareTies);
    if (kernel !== 3 || padding !== 1 || x.height % stride !== 0 || x.width % stride !== 0 || stride > 2) {
      throw new Error("max-pools must have kernel = stride, or be 3×3 with padding 1 and stride 1 or 2 on even sides");
    }
    // Row by row first, then down the columns of row maxima: together the first maximum in row-major order.
    const rows = this.poolOnce(x, { kernel_shape: [1, 3], strides: [1, stride], pads: [0, 1, 0, 1] });
    const across = { ...x, width: x.width / stride, tensor: rows };
    const drows = this.axisGradient(across, "height", stride, y.tensor, dy.tensor);
    return { ...x, tensor: this.axisGradient(x, "width", stride, rows, drows) };
  }

  /** Gradient at `x` of the maxima `y` along one axis. */
  private axisGradient(x: Feature, axis: Axis, stride: number, y: string, dy: string): string {
    const { graph } = this;
    const along = (n: number, otherwise: number) => (axis === "height" ? [n, otherwise] : [otherwise, n]);
    const upToCentre = this.poolOnce(x, {
      kernel_shape: along(2, 1),
      strides: along(stride, 1),
      pads: [...along(1, 0), 0, 0],
    });
    const whole = this.extent(x);
    const [height, width] = axis === "height" ? [x.height / stride, x.width] : [x.height, x.width / stride];
    const on = this.axisOperators({ ...x, height, width }, axis);
    const [outer, , , inner] = this.positions(x);
    const pooled = [outer, height, width, inner];
    const shaped = (value: string) => graph.reshape(value, pooled);
    const known = { upToCentre: shaped(upToCentre), y: shaped(y), dy: shaped(dy) };
    if (stride === 1) {
      return graph.reshape(axisPoolGradient(graph, on, { x: shaped(x.tensor), ...known }), whole);
    }
    const [along1, extent] = axis === "height" ? [1, x.height] : [2, x.width];
    const slice = [[1], [extent], [along1], [stride]].map((values) => graph.integers(values));
    const odd = graph.op("Slice", [graph.reshape(x.tensor, [...this.positions(x)]), ...slice]);
    const gradient = axisPoolGradientStride2(graph, on, { odd, ...known });
    const cells = axis === "height" ? [outer, height, 1, width * inner] : [outer * height, width, 1, inner];
    const both = [gradient.even, gradient.odd].map((value) => graph.reshape(value, cells));
    return graph.reshape(graph.op("Concat", both, { axis: 2 }), whole);
  }

  /** How a feature's neighbours along an axis are reached; a lowering may know a faster way. */
  protected axisOperators(x: Feature, axis: Axis): AxisOperators {
    return plainAxisOperators(this.graph, this.positions(x), axis);
  }

  /**
   * Every position that equals its window's maximum takes the gradient: all of it, where ties occur only among zeros
   * behind a ReLU and it dies anyway, or its share of it.
   */
  private disjointPoolGradient(dy: Feature, x: Feature, y: Feature, kernel: number, shareTies: boolean): Feature {
    if (x.height % kernel !== 0 || x.width % kernel !== 0) throw new Error("a max-pool must divide its input evenly");
    const { graph } = this;
    const gate = reaches(graph, x.tensor, this.upsample(y, kernel));
    let share = dy;
    if (shareTies) {
      const sides = [kernel, kernel];
      const window = { kernel_shape: sides, strides: sides, pads: [0, 0, 0, 0] };
      const average = this.poolOnce({ ...x, tensor: gate }, window, "AveragePool");
      const winners = graph.op("Mul", [average, graph.scalar(kernel * kernel)]);
      share = { ...dy, tensor: graph.op("Div", [dy.tensor, winners]) };
    }
    return { ...x, tensor: graph.op("Mul", [this.upsample(share, kernel), gate]) };
  }

  logSoftmax(logits: string): string {
    return this.graph.op("LogSoftmax", [logits], { axis: 1 });
  }

  accumulate(into: Gradient | undefined, dy: Feature): Gradient {
    if (into?.full === undefined) return { ...into, full: dy.tensor };
    return { ...into, full: this.graph.op("Add", [into.full, dy.tensor]) };
  }

  flatten(x: Feature): Feature {
    const channels = x.channels * x.height * x.width;
    return this.fromVector(this.graph.reshape(this.toNchw(x), [this.batch, channels]), {
      channels,
      height: 1,
      width: 1,
    });
  }

  unflatten(dy: Feature, x: Feature): Feature {
    const { channels, height, width } = x;
    return this.laidOutAs(x, this.graph.reshape(this.toVector(dy), [this.batch, channels, height, width]));
  }

  toVector(x: Feature): string {
    return this.graph.reshape(this.toNchw(x), [this.batch, x.channels]);
  }

  abstract fromVector(value: string, x: FeatureSize): Feature;

  averagePool(x: Feature, kernel: number): Feature {
    const sides = [kernel, kernel];
    const tensor = this.poolOnce(x, { kernel_shape: sides, strides: sides, pads: [0, 0, 0, 0] }, "AveragePool");
    return { ...x, tensor, height: x.height / kernel, width: x.width / kernel };
  }

  averagePoolGradient(dy: Feature, x: Feature, kernel: number): Feature {
    const share = this.graph.op("Mul", [dy.tensor, this.graph.scalar(1 / (kernel * kernel))]);
    return { ...x, tensor: this.upsample({ ...dy, tensor: share }, kernel) };
  }

  /** A dense convolution, of OHWI weights. */
  protected denseConv(x: Feature, weight: string, out: number, { bias, sum, relu = false }: Fusion): Feature {
    const { graph } = this;
    const operands = [this.toVector(x), graph.reshape(weight, [out, x.channels])];
    const product = graph.op("Gemm", bias ? [...operands, bias] : operands, { transB: 1 });
    const y = this.fromVector(product, { channels: out, height: 1, width: 1 });
    if (sum) return this.add(y, sum, relu);
    return relu ? this.relu(y) : y;
  }

  protected denseInputGradient(dy: Feature, weight: string, x: Feature): Feature {
    const { graph } = this;
    const rows = graph.reshape(weight, [dy.channels, x.channels]);
    const dx = graph.op("MatMul", [this.toVector(dy), rows]);
    return this.laidOutAs(x, graph.reshape(dx, [this.batch, x.channels, 1, 1]));
  }

  protected denseWeightGradient(x: Feature, dy: Feature): string {
    const product = this.graph.op("Gemm", [this.toVector(dy), this.toVector(x)], { transA: 1 });
    return this.graph.reshape(product, [dy.channels, 1, 1, x.channels]);
  }

  /**
   * The gradient at the input of any convolution as the standard operator for it, NCHW: for those that have no quicker form.
   * @param dy NCHW; @param weight OHWI
   */
  protected transposedConv(
    dy: string,
    weight: string,
    { kernel, stride, padding, out }: ConvShape,
    x: Feature,
  ): string {
    // What the stride left over at the end.
    const rest = (n: number) => (n + 2 * padding - kernel) % stride;
    const oihw = this.graph.reshape(this.graph.transpose(weight, [0, 3, 1, 2]), [out, x.channels, kernel, kernel]);
    return this.graph.op("ConvTranspose", [dy, oihw], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      output_padding: [rest(x.height), rest(x.width)],
    });
  }

  /** One standard convolution. @param inputs its input, filter and perhaps bias */
  protected standardConv(inputs: string[], _: ConvChannels, attributes: Record<string, Attribute>): string {
    return this.graph.op("Conv", inputs, attributes);
  }

  /** How many groups the batch is cut into for the weight gradient of a convolution. @param area positions of dy */
  protected groupsFor(out: number, input: number, kernel: number, area: number): number {
    return weightGradientGroups(this.batch, out, input, kernel, area);
  }

  /**
   * Weight gradient as one convolution: x in NHWC viewed as `[1, N, H, W·C]` is the input, dy `[K, N, H, W]` the
   * kernel, dilated by the stride and by C; the output `[1, K, kh, kw·C]` is OHWI. In groups of images the partial
   * sums are added afterwards.
   *
   * @param nhwc x as NHWC; @param nchw dy as NCHW
   */
  protected dilatedWeightGradient(nhwc: string, x: Feature, nchw: string, dy: Feature, shape: ConvShape): string {
    const { graph, batch } = this;
    const { kernel, stride, padding } = shape;
    const c = x.channels;
    const area = dy.height * dy.width;
    const groups = this.groupsFor(dy.channels, c, kernel, area);
    const each = batch / groups;
    const filter =
      each === 1
        ? graph.reshape(nchw, [batch * dy.channels, 1, dy.height, dy.width])
        : graph.reshape(graph.transpose(graph.reshape(nchw, [groups, each, dy.channels, area]), [0, 2, 1, 3]), [
            groups * dy.channels,
            each,
            dy.height,
            dy.width,
          ]);
    // The kernel's last tap must end inside the input: trailing padding shrinks with what the stride leaves over.
    const trailing = (extent: number, out: number) => (out - 1) * stride + kernel - extent - padding;
    const bottom = trailing(x.height, dy.height);
    const right = trailing(x.width, dy.width);
    const image = graph.reshape(nhwc, [1, batch, x.height, x.width * c]);
    const channels = { input: batch, output: groups * dy.channels };
    const sums = this.standardConv([image, filter], channels, {
      kernel_shape: [dy.height, dy.width],
      dilations: [stride, stride * c],
      pads: [padding, padding * c, bottom, right * c],
      strides: [1, 1],
      group: groups,
    });
    const size = dy.channels * kernel * kernel * c;
    const total =
      groups > 1
        ? graph.op("ReduceSum", [graph.reshape(sums, [groups, size]), graph.integers([0])], { keepdims: 0 })
        : sums;
    return graph.reshape(total, [dy.channels, kernel, kernel, c]);
  }

  /** Weight gradient of a 1×1 convolution as a matrix product; x and dy at the same resolution. */
  protected pointwiseWeightGradient(nhwc: string, channels: number, nchw: string, dy: Feature): string {
    const { graph, batch } = this;
    const area = dy.height * dy.width;
    const groups = this.groupsFor(dy.channels, channels, 1, area);
    let product: string;
    if (groups === batch) {
      const parts = graph.op("MatMul", [
        graph.reshape(nchw, [batch, dy.channels, area]),
        graph.reshape(nhwc, [batch, area, channels]),
      ]);
      product = graph.op("ReduceSum", [parts, graph.integers([0])], { keepdims: 0 });
    } else {
      const rows = graph.reshape(graph.transpose(nchw, [1, 0, 2, 3]), [dy.channels, batch * area]);
      product = graph.op("MatMul", [rows, graph.reshape(nhwc, [batch * area, channels])]);
    }
    return graph.reshape(product, [dy.channels, 1, 1, channels]);
  }
}
