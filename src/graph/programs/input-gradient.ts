import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { INPUT_GRADIENT } from "./activation.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * How what a network for sequences reads would have to change to lower an objective: `input` `[n·T, channels]`, embedded, and the objective's
 * (of cross-entropy `targets` `[n, classes]`) → `loss` (mean), `logits` and the gradient at the input.
 */
export function inputGradientProgram(
  lowering: Lowering,
  network: Network,
  objective: Objective = crossEntropy,
): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const score = objective(lowering, network);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: true, inputGradient: true });
  const input = lowering.image("input", channels, height, width);
  declareClassifier(lowering, network);
  const forward = walk.forward(input);
  const dlogits = emitMeanLoss(lowering, network, score, forward.logits);
  graph.output(INPUT_GRADIENT, walk.backward(forward, dlogits)!.tensor, [batch * height, channels]);
  return graph.finish();
}
