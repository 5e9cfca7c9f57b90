import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { type Network, unitsOf } from "../network.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** Inference: `input` `[N, C, H, W]` (normalised) → `logits` `[N, classes]`. */
export function inferProgram(lowering: Lowering, network: Network): Program {
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  lowering.graph.output("logits", forward.logits, [lowering.batch, network.classes]);
  return lowering.graph.finish();
}

/**
 * Inference with taps: also `<unit>#mean` and `<unit>#mean_abs` `[N, width]`, the spatial mean of a and of |a|
 * (docs/methods.md §1.1).
 */
export function tapProgram(lowering: Lowering, network: Network): Program {
  const { input } = network;
  const image = lowering.image("input", input.channels, input.height, input.width);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  for (const { id, width, relu } of unitsOf(network)) {
    const activation = forward.features.get(id)!;
    const mean = lowering.globalPool(activation);
    lowering.graph.output(meanTap(id), mean, [lowering.batch, width]);
    // After a ReLU nothing is negative: a and |a| are one.
    if (!relu) {
      const magnitude = lowering.globalPool(lowering.abs(activation));
      lowering.graph.output(meanAbsTap(id), magnitude, [lowering.batch, width]);
    }
  }
  lowering.graph.output("logits", forward.logits, [lowering.batch, network.classes]);
  return lowering.graph.finish();
}

export const meanTap = (unit: string) => `${unit}#mean`;
export const meanAbsTap = (unit: string) => `${unit}#mean_abs`;
