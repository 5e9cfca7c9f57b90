import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { PreActivationUnits } from "../preactivation.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

export const sumOf = (unit: string) => `${unit}#sum`;
export const squareOf = (unit: string) => `${unit}#square`;

/**
 * Inference with the moments of the pre-activations: per unit `<unit>#sum` and `<unit>#square` `[N, width]`, the sums
 * over positions of `z − μ` and of its square, where z is the convolution's output and μ the batch norm's stored mean.
 */
export function preActivationProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const units = new PreActivationUnits(lowering, network, (unit, centred) => {
    graph.output(sumOf(unit.id), lowering.channelSums(centred), [batch, unit.out]);
    graph.output(squareOf(unit.id), lowering.channelDots(centred, centred), [batch, unit.out]);
  });
  const walk = new Walk(lowering, network, units, { fuse: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  graph.output("logits", forward.logits, [batch, network.classes]);
  return graph.finish();
}
