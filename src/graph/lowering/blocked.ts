import { NCHWC } from "../onnx.ts";
import { sideAfter } from "../ops/windows.ts";
import { BlockedConvolution } from "./blocked-convolution.ts";
import type { PoolWindow } from "./common.ts";
import type { Feature, Gradient, Lowering, PoolShape } from "./lowering.ts";
import type { Axis, AxisOperators } from "./pool-gradient.ts";

/** Above so many positions a channel is added up in strips. Sums of a whole plane are made one after the other, and round more the longer they get. */
const MOST_IN_A_ROW = 4096;
const STRIP = 2048;

/** Into how many strips of rows a plane is cut for its sums. */
function stripsOf({ height, width }: Feature): number {
  if (height * width <= MOST_IN_A_ROW) return 1;
  let strips = Math.min(height, Math.ceil((height * width) / STRIP));
  while (height % strips !== 0) strips++;
  return strips;
}

/** ONNX Runtime's channel-blocked CPU operators, emitted directly; their layout in `BlockedLayout`. */
export class BlockedLowering extends BlockedConvolution implements Lowering {
  readonly kind = "blocked";

  selectChannels(x: Feature, selector: string, rows: number): Feature {
    const weight = this.graph.reshape(selector, [rows, 1, 1, x.channels]);
    return this.conv(x, weight, { out: rows, kernel: 1, stride: 1, padding: 0 });
  }

  /** A depthwise convolution whose filter is the other tensor. */
  channelDots(a: Feature, b: Feature): string {
    const { graph, batch } = this;
    const slots = this.slots(a);
    const strips = stripsOf(a);
    const [planes, height] = [(batch / slots.share) * slots.count * strips, a.height / strips];
    const filter = graph.reshape(b.tensor, [planes, 1, height, a.width]);
    const image = graph.reshape(a.tensor, [1, planes, height, a.width]);
    const dots = this.blockedConv(image, filter, height, a.width, 1, 0, {}, planes);
    return this.perImage(this.overStrips(dots, a, strips), a);
  }

  channelSums(a: Feature): string {
    const { graph } = this;
    const strips = stripsOf(a);
    if (strips === 1) return graph.op("Mul", [this.globalPool(a), graph.scalar(a.height * a.width)]);
    const { count, share } = this.slots(a);
    const height = a.height / strips;
    const parts = graph.reshape(a.tensor, [this.batch / share, count * strips, height, a.width]);
    const means = this.overStrips(graph.op("GlobalAveragePool", [parts], {}, NCHWC), a, strips);
    return this.perImage(graph.op("Mul", [means, graph.scalar(height * a.width)]), a);
  }

  /** Adds up what each strip of a plane gives: `[images, slots]`. */
  private overStrips(parts: string, x: Feature, strips: number): string {
    const { graph, batch, block } = this;
    const { count, share } = this.slots(x);
    const vector = [batch / share, count];
    if (strips === 1) return graph.reshape(parts, vector);
    const apart = graph.reshape(parts, [batch / share, count / block, strips, block]);
    return graph.reshape(graph.op("ReduceSum", [apart, graph.integers([2])], { keepdims: 0 }), vector);
  }

  /** An overlapping window in two passes, along the rows and down the columns: six comparisons in place of nine. */
  override maxPool(x: Feature, shape: PoolShape): Feature {
    const { kernel, stride, padding } = shape;
    if (padding === 0) return super.maxPool(x, shape);
    const [height, width] = [sideAfter(x.height, shape), sideAfter(x.width, shape)];
    const pass = (of: Feature, along: (n: number, otherwise: number) => number[]) =>
      this.poolOnce(of, {
        kernel_shape: along(kernel, 1),
        strides: along(stride, 1),
        pads: [...along(padding, 0), ...along(padding, 0)],
      });
    const rows = { ...x, width, tensor: pass(x, (n, otherwise) => [otherwise, n]) };
    return { ...rows, height, tensor: pass(rows, (n, otherwise) => [n, otherwise]) };
  }

  protected poolOnce(x: Feature, window: PoolWindow, type: "MaxPool" | "AveragePool" = "MaxPool"): string {
    return this.graph.op(type, [x.tensor], window, NCHWC);
  }

  /** Depthwise convolutions along the axis: neighbour, difference and step in one pass. */
  protected override axisOperators(x: Feature, axis: Axis): AxisOperators {
    const { graph, block: b } = this;
    const slots = this.slotCount(x);
    const [nchw, positions] = [this.extent(x), [...this.positions(x)]];
    /** Per channel `taps[0]·v[i]`, or with two taps `taps[0]·v[i−1] + taps[1]·v[i]`, or of i and i+1; plus `sum`. */
    const weighted = (v: string, taps: number[], from: -1 | 0, sum?: string, step?: boolean) => {
      const [kh, kw] = axis === "height" ? [taps.length, 1] : [1, taps.length];
      const name = `taps_${taps.join("_")}_${slots}`;
      const filter = graph.vector(name, [slots, 1, kh, kw], (i) => taps[Math.floor(i / b) % taps.length]);
      const [before, behind] = [-from, taps.length - 1 + from];
      const pads = axis === "height" ? [before, 0, behind, 0] : [0, before, 0, behind];
      const fuse = { sum: sum === undefined ? undefined : { ...x, tensor: graph.reshape(sum, nchw) }, step };
      const result = this.blockedConv(graph.reshape(v, nchw), filter, kh, kw, 1, pads, fuse, slots);
      return graph.reshape(result, positions);
    };
    return {
      next: (v) => weighted(v, [0, 1], 0),
      reachesNext: (v, y) => weighted(y, [0, -1], 0, v, true),
      reaches: (v, y) => weighted(y, [-1], 0, v, true),
      passOn: (dy, kept) => weighted(kept, [-1, 1], -1, weighted(dy, [1, 0], -1)),
      minusPrevious: (v, w) => weighted(w, [-1, 0], -1, v),
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
}
