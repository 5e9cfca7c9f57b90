import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { prefixNodes } from "../suffix.ts";
import { Walk } from "../walk.ts";

/** What the program gives, and what it takes and gives with a slope. */
export const ACTIVATION = "activation";
export const SLOPE = "slope";
export const INPUT_GRADIENT = "input_gradient";

/**
 * The activations of one unit of a network for sequences, at every position: `[n·T, width]`. Nothing behind the unit is computed.
 *
 * @param pulled whether the program also takes the gradient of some loss at the activations, `slope`, and gives that at its input,
 *   `[n·T, channels]`; the network then reads embedded sequences
 */
export function activationProgram(lowering: Lowering, network: Network, unit: string, pulled: boolean): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const nodes = prefixNodes(network, unit);
  const rule = new FoldedUnits(lowering, network);
  const walk = new Walk(lowering, { ...network, nodes }, rule, { fuse: false, inputGradient: pulled });
  const forward = walk.forward(lowering.image("input", channels, height, width));
  const activation = forward.features.get(unit)!;
  const shape = [batch * height, activation.channels];
  graph.output(ACTIVATION, activation.tensor, shape);
  if (pulled) {
    const slope = { ...activation, tensor: graph.input(SLOPE, shape) };
    const gradient = walk.backwardFromFeature(forward, slope)!;
    graph.output(INPUT_GRADIENT, gradient.tensor, [batch * height, channels]);
  }
  return graph.finish();
}
