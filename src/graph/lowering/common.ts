import { GraphBuilder } from "../onnx.ts";
import { type ConvShape, type Feature, type Gradient, weightGradientGroups } from "./lowering.ts";

/** What both lowerings share: elementwise operators, which no layout changes, and the weight gradient. */
export abstract class CommonLowering {
  readonly graph = new GraphBuilder();
  readonly batch: number;

  constructor(batch: number) {
    this.batch = batch;
  }

  abs(x: Feature): Feature {
    return { ...x, tensor: this.graph.op("Abs", [x.tensor]) };
  }

  add(a: Feature, b: Feature, relu: boolean): Feature {
    const sum = this.graph.op("Add", [a.tensor, b.tensor]);
    return { ...a, tensor: relu ? this.graph.op("Relu", [sum]) : sum };
  }

  /** HardSigmoid with a huge slope is a step function, and faster than Sign, Greater or Where on the CPU. */
  reluGradient(dy: Feature, y: Feature): Feature {
    const gate = this.graph.op("HardSigmoid", [y.tensor], { alpha: { float: 1e20 }, beta: { float: 0 } });
    return { ...dy, tensor: this.graph.op("Mul", [dy.tensor, gate]) };
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

  accumulate(into: Gradient | undefined, dy: Feature): Gradient {
    if (into?.full === undefined) return { ...into, full: dy.tensor };
    return { ...into, full: this.graph.op("Add", [into.full, dy.tensor]) };
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
    const groups = weightGradientGroups(batch, dy.channels, c, kernel, area);
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
    const sums = graph.op("Conv", [graph.reshape(nhwc, [1, batch, x.height, x.width * c]), filter], {
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
    const groups = weightGradientGroups(batch, dy.channels, channels, 1, area);
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
