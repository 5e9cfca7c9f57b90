import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { NormOutputs } from "../norm-outputs.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** Output keys: the spatial mean of a node's feature, and of a unit's batch-norm output before its ReLU. */
export const featureMean = (node: string) => `${node}#feature_mean`;
export const normMean = (unit: string) => `${unit}#norm_mean`;

/**
 * Inference with the channel means of everything on the way: per feature map `<node>#feature_mean` `[N, channels]` as
 * the next node reads it, per unit `<unit>#norm_mean` before its ReLU, and `logits`.
 */
export function profileProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const units = new NormOutputs(lowering, network, ({ id, out }, y) => {
    graph.output(normMean(id), lowering.globalPool(y), [batch, out]);
  });
  const walk = new Walk(lowering, network, units, { fuse: false });
  declareClassifier(lowering, network);
  const { features, logits } = walk.forward(image);
  for (const [id, feature] of features) {
    if (id === network.nodes[0].id) continue;
    graph.output(featureMean(id), lowering.globalPool(feature), [batch, feature.channels]);
  }
  graph.output("logits", logits, [batch, network.classes]);
  return graph.finish();
}
