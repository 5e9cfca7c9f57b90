import type { Attribute } from "../onnx.ts";
import { PackedGraphBuilder } from "../packed.ts";
import { roundUp } from "./channel-slots.ts";
import type { ConvChannels } from "./common.ts";
import type { Lowering } from "./lowering.ts";
import { PlainLowering } from "./plain.ts";

/**
 * Standard operators for ONNX Runtime's WebGPU provider: `plain` except where that provider (1.30) lacks an operator or
 * gets one wrong. docs/gpu.md lists each of them.
 */
export class WebGpuLowering extends PlainLowering implements Lowering {
  override readonly kind = "webgpu";

  constructor(batch: number) {
    super(batch, new PackedGraphBuilder());
  }

  /** LogSoftmax is missing there and would take its input to the processor and back: `z − max z − log Σ exp(z − max z)`. */
  override logSoftmax(logits: string): string {
    const { graph } = this;
    const largest = graph.op("ReduceMax", [logits], { axes: [1], keepdims: 1 });
    const below = graph.op("Sub", [logits, largest]);
    const sum = graph.op("ReduceSum", [graph.op("Exp", [below]), graph.integers([1])], { keepdims: 1 });
    return graph.op("Sub", [below, graph.op("Log", [sum])]);
  }

  /**
   * With input channels of zeros up to a multiple of 4 where they are more than 3 and a multiple of 3 alone: the provider
   * reads such an image three channels at a time, but from places that are right for four at a time.
   */
  protected override standardConv(
    [x, filter, ...bias]: string[],
    channels: ConvChannels,
    attributes: Record<string, Attribute>,
  ): string {
    const { graph } = this;
    const { input } = channels;
    const isGrouped = attributes.group !== undefined && attributes.group !== 1;
    if (isGrouped || input === 3 || input % 3 !== 0 || input % 4 === 0) {
      return super.standardConv([x, filter, ...bias], channels, attributes);
    }
    const zeros = graph.integers([0, 0, 0, 0, 0, roundUp(input, 4) - input, 0, 0]);
    const padded = [x, filter].map((value) => graph.op("Pad", [value, zeros]));
    return super.standardConv([...padded, ...bias], channels, attributes);
  }

  /**
   * One where a group's output channels fill no vectors of 4: a grouped convolution there computes several of them at
   * once, and those that reach over into the next group read the first one's input. Fewer than 4 are computed singly.
   */
  protected override groupsFor(out: number, input: number, kernel: number, area: number): number {
    return out < 4 || out % 4 === 0 ? super.groupsFor(out, input, kernel, area) : 1;
  }
}
