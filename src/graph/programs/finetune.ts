import { FoldedUnits } from "../folded.ts";
import type { Feature, Lowering } from "../lowering/lowering.ts";
import { classifierOf, type Network } from "../network.ts";
import { emitContinuationLoss, NEXT, WEIGHTS } from "../objectives/continuation.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";
import { partsOf } from "./language.ts";

/** Output: what continuing the sequences costs, `Σ w·CE(next token)`. */
export const CONTINUATION = "continuation";

export interface FinetuneOptions {
  /** What is minimised, as a mean over the batch; cross-entropy where it is absent. */
  objective?: Objective;
  /** Unit with rows → the linear layer whose columns are its neurons' own. */
  readers?: ReadonlyMap<string, string>;
  /** Whether a language model is held to its sequences' own words, too: the inputs `next` and `weights` say which, and what each counts. */
  continues?: boolean;
}

/**
 * One step of sub-network fine-tuning (docs/methods.md §7.1): batch norm frozen and folded, the classifier frozen,
 * gradients only for the selected rows of each unit's folded weights and bias, and for the columns with which the next
 * layer reads them where these are their own. Outputs `loss` (mean), `logits` and the gradients; the optimizer runs on the
 * host, on the few rows there are.
 *
 * @param rows unit → number of selected rows
 */
export function finetuneProgram(
  lowering: Lowering,
  network: Network,
  rows: ReadonlyMap<string, number>,
  { objective = crossEntropy, readers = new Map(), continues = false }: FinetuneOptions = {},
): Program {
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const score = objective(lowering, network);
  if (continues) for (const name of [NEXT, WEIGHTS]) lowering.graph.input(name, [lowering.batch * height, 1]);
  const units = new FoldedUnits(lowering, network, { rows, readers });
  const walk = new Walk(lowering, network, units, { fuse: true, trained: rows });
  const { weight } = declareClassifier(lowering, network);
  const forward = walk.forward(image);
  const dlogits = emitMeanLoss(lowering, network, score, forward.logits);
  units.columnGradients(classifierOf(network).id, () => [forward.pooled, dlogits]);
  const also = new Map<string, Feature>();
  if (continues) {
    const { sequence } = partsOf(network);
    const hidden = forward.features.get(sequence)!;
    const gradient = emitContinuationLoss(lowering, CONTINUATION, hidden, weight);
    also.set(sequence, { ...hidden, tensor: lowering.graph.op("MatMul", [gradient, weight]) });
  }
  walk.backward(forward, dlogits, { also });
  return lowering.graph.finish();
}
