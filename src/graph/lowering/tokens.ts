import type { Dimension } from "../onnx.ts";
import type { Feature, FeatureSize, Fusion, Storage } from "./lowering.ts";
import { PlainLowering } from "./plain.ts";

/**
 * Standard operators on sequences. A feature of height T and width 1 lies position by position, `[batch·T, channels]`, so that what
 * is computed of every position is one product of matrices.
 */
export class TokenLowering extends PlainLowering {
  override image(name: string, channels: number, height: number, width: number): Feature {
    return { tensor: this.graph.input(name, [this.batch * height, channels]), channels, height, width };
  }

  override fromNchw(value: string, channels: number, height: number, width: number): Feature {
    const planes = this.graph.reshape(value, [this.batch, channels, height]);
    const tensor = this.graph.reshape(this.graph.transpose(planes, [0, 2, 1]), [this.batch * height, channels]);
    return { tensor, channels, height, width };
  }

  override toNchw(x: Feature): string {
    const { channels, height, width } = x;
    const planes = this.graph.transpose(this.byImage(x), [0, 2, 1]);
    return this.graph.reshape(planes, [this.batch, channels, height, width]);
  }

  protected override laidOutAs({ channels, height, width }: Feature, nchw: string): Feature {
    return this.fromNchw(nchw, channels, height, width);
  }

  override fromVector(value: string, { channels, height, width }: FeatureSize): Feature {
    return { tensor: value, channels, height, width };
  }

  override toVector(x: Feature): string {
    return x.tensor;
  }

  override conv(): Feature {
    throw new Error("sequences have no convolutions");
  }

  override scaleShift(x: Feature, scale: string, shift: string | undefined, { sum, relu }: Fusion = {}): Feature {
    let tensor = this.graph.op("Mul", [x.tensor, scale]);
    if (shift !== undefined) tensor = this.graph.op("Add", [tensor, shift]);
    if (sum) tensor = this.graph.op("Add", [tensor, sum.tensor]);
    return { ...x, tensor: relu ? this.graph.op("Relu", [tensor]) : tensor };
  }

  override selectChannels(x: Feature, selector: string, rows: number): Feature {
    return { ...x, channels: rows, tensor: this.graph.op("Gemm", [x.tensor, selector], { transB: 1 }) };
  }

  override channelSums(x: Feature): string {
    return this.graph.op("ReduceSum", [this.byImage(x), this.graph.integers([1])], { keepdims: 0 });
  }

  override globalPool(x: Feature): string {
    return this.graph.op("Mul", [this.channelSums(x), this.graph.scalar(1 / x.height)]);
  }

  override globalPoolGradient(dy: string, x: Feature): Feature {
    const { graph, batch } = this;
    const { channels, height } = x;
    const each = graph.op("Mul", [dy, graph.scalar(1 / height)]);
    const cells = graph.reshape(each, [batch, 1, channels]);
    const spread = graph.op("Expand", [cells, graph.integers([batch, height, channels])]);
    return { ...x, tensor: graph.reshape(spread, [batch * height, channels]) };
  }

  override keep(key: string, x: Feature): void {
    this.graph.output(key, this.graph.op("Identity", [x.tensor]), this.extent(x));
  }

  override kept(name: string, size: FeatureSize, count: number, rows: string): Feature {
    const { channels, height } = size;
    const all = this.graph.input(name, [count, height, channels]);
    const picked = this.graph.op("Gather", [all, rows], { axis: 0 });
    return { ...size, tensor: this.graph.reshape(picked, [this.batch * height, channels]) };
  }

  override storage({ channels, height }: FeatureSize): Storage {
    const start = (image: number, channel: number) => image * height * channels + channel;
    return { length: this.batch * channels * height, start, step: channels };
  }

  protected override extent(x: Feature): number[] {
    return [this.batch * x.height, x.channels];
  }

  private byImage({ tensor, height, channels }: Feature): string {
    return this.graph.reshape(tensor, [this.batch, height, channels]);
  }
}

/** The shape of a network's input as a file for others declares it: sequences position by position. */
export function fileShape(count: Dimension, input: FeatureSize & { tokens?: true }): Dimension[] {
  const { channels, height, width, tokens } = input;
  return tokens ? [count, height, channels] : [count, channels, height, width];
}
