import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { classifierOf, type Network } from "../network.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * One step of sub-network fine-tuning (docs/methods.md §7.1): batch norm frozen and folded, the classifier frozen,
 * gradients only for the selected rows of each unit's folded weights and bias, and for the columns with which the next
 * layer reads them where these are their own. Outputs `loss` (mean), `logits` and the gradients; the optimizer runs on the
 * host, on the few rows there are.
 *
 * @param rows unit → number of selected rows
 * @param objective what is minimised, as a mean over the batch
 * @param readers unit with rows → the linear layer whose columns are its neurons' own
 */
export function finetuneProgram(
  lowering: Lowering,
  network: Network,
  rows: ReadonlyMap<string, number>,
  objective: Objective = crossEntropy,
  readers: ReadonlyMap<string, string> = new Map(),
): Program {
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const score = objective(lowering, network);
  const units = new FoldedUnits(lowering, network, { rows, readers });
  const walk = new Walk(lowering, network, units, { fuse: true, trained: rows });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  const dlogits = emitMeanLoss(lowering, network, score, forward.logits);
  units.columnGradients(classifierOf(network).id, () => [forward.pooled, dlogits]);
  walk.backward(forward, dlogits);
  return lowering.graph.finish();
}
