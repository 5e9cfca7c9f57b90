import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { crossEntropy, Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * One step of sub-network fine-tuning (docs/methods.md §7.1): batch norm frozen and folded, the classifier frozen,
 * gradients only for the selected rows of each unit's folded weights and bias. Outputs `loss` (mean), `logits` and the
 * row gradients; the optimizer runs on the host, on the few rows there are.
 *
 * @param rows unit → number of selected rows
 */
export function finetuneProgram(lowering: Lowering, network: Network, rows: ReadonlyMap<string, number>): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const targets = graph.input("targets", [batch, network.classes]);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network, { rows }), { fuse: true, trained: rows });
  const classifier = declareClassifier(lowering, network);
  const forward = walk.forward(image, classifier);
  const { loss, dlogits } = crossEntropy(lowering, forward.logits, targets, 1 / batch);
  graph.output("loss", graph.op("ReduceMean", [loss], { keepdims: 0 }), []);
  graph.output("logits", forward.logits, [batch, network.classes]);
  walk.backward(forward, classifier.weight, dlogits);
  return graph.finish();
}
