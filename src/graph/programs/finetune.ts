import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * One step of sub-network fine-tuning (docs/methods.md §7.1): batch norm frozen and folded, the classifier frozen,
 * gradients only for the selected rows of each unit's folded weights and bias. Outputs `loss` (mean), `logits` and the
 * row gradients; the optimizer runs on the host, on the few rows there are.
 *
 * @param rows unit → number of selected rows
 * @param objective what is minimised, as a mean over the batch
 */
export function finetuneProgram(
  lowering: Lowering,
  network: Network,
  rows: ReadonlyMap<string, number>,
  objective: Objective = crossEntropy,
): Program {
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const score = objective(lowering, network);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network, { rows }), { fuse: true, trained: rows });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  walk.backward(forward, emitMeanLoss(lowering, network, score, forward.logits));
  return lowering.graph.finish();
}
