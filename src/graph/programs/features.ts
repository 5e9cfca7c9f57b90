import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { classifierOf, inferShapes, type Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * The features A that the classifier reads (after global pooling), and how an image would have to change to bring some
 * of them near given values: the gradient of `Σ_i chosen_i·(A_i − aim_i)²` by the image.
 *
 * Inputs `input` (normalised image), `chosen` and `aim` `[N, channels]`; outputs `features` `[N, channels]` and
 * `image_gradient` `[N, C, H, W]`, of a sequence `[N·T, C]`.
 */
export function featureProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const inputs = inferShapes(network).get(classifierOf(network).input)![0];
  const image = lowering.image("input", channels, height, width);
  const chosen = graph.input("chosen", [batch, inputs]);
  const aim = graph.input("aim", [batch, inputs]);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: true, inputGradient: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  graph.output("features", forward.pooled, [batch, inputs]);
  const short = graph.op("Mul", [graph.op("Sub", [forward.pooled, aim]), chosen]);
  const gradient = walk.backwardFromPooled(forward, graph.op("Mul", [short, graph.scalar(2)]))!;
  const shape = network.input.tokens ? [batch * height, channels] : [batch, channels, height, width];
  graph.output("image_gradient", gradient.tensor, shape);
  return graph.finish();
}
