import { CommonLowering, type PoolWindow } from "./common.ts";
import {
  type ConvShape,
  type Feature,
  type FeatureSize,
  type Fusion,
  type Gradient,
  halvesEvenly,
  isDense,
  type Lowering,
  type LoweringKind,
  reversedTaps,
  STRIDE2_PHASES,
} from "./lowering.ts";
import type { Positions } from "./pool-gradient.ts";

/** Standard ONNX operators on NCHW: the reference, the oracle of the tests, and the path of every other device. */
export class PlainLowering extends CommonLowering implements Lowering {
  readonly kind: LoweringKind = "plain";

  image(name: string, channels: number, height: number, width: number): Feature {
    return this.fromNchw(this.graph.input(name, [this.batch, channels, height, width]), channels, height, width);
  }

  feature(name: string, channels: number, height: number, width: number): Feature {
    return this.image(name, channels, height, width);
  }

  fromNchw(value: string, channels: number, height: number, width: number): Feature {
    return { tensor: value, channels, height, width };
  }

  toNchw(x: Feature): string {
    return x.tensor;
  }

  protected laidOutAs(x: Feature, nchw: string): Feature {
    return { ...x, tensor: nchw };
  }

  fromVector(value: string, { channels, height, width }: FeatureSize): Feature {
    return { tensor: this.graph.reshape(value, [this.batch, channels, 1, 1]), channels, height, width };
  }

  conv(x: Feature, weight: string, shape: ConvShape, fuse: Fusion = {}): Feature {
    const { kernel, stride, padding, out } = shape;
    if (isDense(x, shape)) return this.denseConv(x, weight, out, fuse);
    const oihw = this.graph.transpose(weight, [0, 3, 1, 2]);
    const inputs = fuse.bias ? [x.tensor, oihw, fuse.bias] : [x.tensor, oihw];
    const tensor = this.standardConv(
      inputs,
      { input: x.channels, output: out },
      {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
      },
    );
    const side = (n: number) => Math.floor((n + 2 * padding - kernel) / stride) + 1;
    return this.finish({ tensor, channels: out, height: side(x.height), width: side(x.width) }, fuse);
  }

  convInputGradient(dy: Feature, weight: string, shape: ConvShape, x: Feature, into?: Gradient): Gradient {
    const { graph } = this;
    const { kernel, stride, padding, out } = shape;
    if (isDense(x, shape)) return this.accumulate(into, this.denseInputGradient(dy, weight, x));
    const swapped = (taps: number[], kh: number, kw: number) => {
      const flat = graph.reshape(weight, [out, kernel * kernel, x.channels]);
      const picked = graph.op("Gather", [flat, graph.integers(taps)], { axis: 1 });
      return graph.reshape(graph.transpose(picked, [2, 0, 1]), [x.channels, out, kh, kw]);
    };
    const channels = { input: out, output: x.channels };
    const correlate = (taps: number[], kh: number, kw: number, pads: number[]) =>
      this.standardConv([dy.tensor, swapped(taps, kh, kw)], channels, { kernel_shape: [kh, kw], pads });

    if (stride === 1) {
      const back = kernel - 1 - padding;
      const tensor = correlate(reversedTaps(kernel), kernel, kernel, [back, back, back, back]);
      return this.accumulate(into, { ...x, tensor });
    }
    if (!halvesEvenly(shape, x)) {
      return this.accumulate(into, { ...x, tensor: this.transposedConv(dy.tensor, weight, shape, x) });
    }
    let phases: string[];
    if (kernel === 1) {
      const even = correlate([0], 1, 1, [0, 0, 0, 0]);
      const zero = graph.op("Mul", [even, graph.scalar(0)]);
      phases = [even, zero, zero, zero];
    } else {
      phases = STRIDE2_PHASES.map(([taps, kh, kw]) => correlate(taps, kh, kw, [0, 0, kh - 1, kw - 1]));
    }
    const joined = graph.op("Concat", phases, { axis: 1 });
    return this.accumulate(into, { ...x, tensor: graph.op("DepthToSpace", [joined], { blocksize: 2, mode: "DCR" }) });
  }

  convWeightGradient(x: Feature, dy: Feature, shape: ConvShape): string {
    if (isDense(x, shape)) return this.denseWeightGradient(x, dy);
    if (shape.kernel > 1) {
      return this.dilatedWeightGradient(this.graph.transpose(x.tensor, [0, 2, 3, 1]), x, dy.tensor, dy, shape);
    }
    const sampled =
      shape.stride === 1
        ? x.tensor
        : this.graph.op("Slice", [
            x.tensor,
            this.graph.integers([0, 0]),
            this.graph.integers([x.height, x.width]),
            this.graph.integers([2, 3]),
            this.graph.integers([shape.stride, shape.stride]),
          ]);
    return this.pointwiseWeightGradient(this.graph.transpose(sampled, [0, 2, 3, 1]), x.channels, dy.tensor, dy);
  }

  scaleShift(x: Feature, scale: string, shift: string | undefined, fuse: Fusion = {}): Feature {
    const perChannel = (value: string) => this.graph.reshape(value, [1, x.channels, 1, 1]);
    let tensor = this.graph.op("Mul", [x.tensor, perChannel(scale)]);
    if (shift !== undefined) tensor = this.graph.op("Add", [tensor, perChannel(shift)]);
    return this.finish({ ...x, tensor }, fuse);
  }

  selectChannels(x: Feature, selector: string, rows: number): Feature {
    const filter = this.graph.reshape(selector, [rows, x.channels, 1, 1]);
    const channels = { input: x.channels, output: rows };
    const tensor = this.standardConv([x.tensor, filter], channels, { kernel_shape: [1, 1] });
    return { ...x, channels: rows, tensor };
  }

  channelDots(a: Feature, b: Feature): string {
    return this.channelSums({ ...a, tensor: this.graph.op("Mul", [a.tensor, b.tensor]) });
  }

  channelSums(a: Feature): string {
    return this.graph.op("ReduceSum", [a.tensor, this.graph.integers([2, 3])], { keepdims: 0 });
  }

  protected slotCount(x: Feature): number {
    return x.channels;
  }

  protected poolOnce(x: Feature, window: PoolWindow, type: "MaxPool" | "AveragePool" = "MaxPool"): string {
    return this.graph.op(type, [x.tensor], window);
  }

  protected positions(x: Feature): Positions {
    return [this.batch * x.channels, x.height, x.width, 1];
  }

  protected upsample(x: Feature, factor: number): string {
    const { graph, batch } = this;
    const { channels: c, height: h, width: w } = x;
    const cells = graph.reshape(x.tensor, [batch, c, h, 1, w, 1]);
    const spread = graph.op("Expand", [cells, graph.integers([batch, c, h, factor, w, factor])]);
    return graph.reshape(spread, [batch, c, h * factor, w * factor]);
  }

  globalPool(x: Feature): string {
    return this.graph.reshape(this.graph.op("GlobalAveragePool", [x.tensor]), [this.batch, x.channels]);
  }

  globalPoolGradient(dy: string, x: Feature): Feature {
    const { graph, batch } = this;
    const each = graph.op("Mul", [dy, graph.scalar(1 / (x.height * x.width))]);
    const cells = graph.reshape(each, [batch, x.channels, 1, 1]);
    const tensor = graph.op("Expand", [cells, graph.integers([batch, x.channels, x.height, x.width])]);
    return { ...x, tensor };
  }

  settle(gradient: Gradient, x: Feature): Feature {
    return { ...x, tensor: gradient.full! };
  }

  private finish(x: Feature, { sum, relu }: Fusion): Feature {
    let tensor = x.tensor;
    if (sum) tensor = this.graph.op("Add", [tensor, sum.tensor]);
    if (relu) tensor = this.graph.op("Relu", [tensor]);
    return { ...x, tensor };
  }
}
