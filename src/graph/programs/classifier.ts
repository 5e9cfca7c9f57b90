import type { Lowering } from "../lowering/lowering.ts";
import { classifierOf, inferShapes, type Network } from "../network.ts";

/** Declares the classifier's weights as graph inputs under their state-dict names; one without bias declares its own. */
export function declareClassifier(lowering: Lowering, network: Network): { weight: string; bias: string } {
  const linear = classifierOf(network);
  if (linear.unbiased) return { weight: linear.unbiased.weight, bias: "" };
  const inputs = inferShapes(network).get(linear.input)![0];
  return {
    weight: lowering.graph.input(`${linear.id}.weight`, [linear.out, inputs]),
    bias: lowering.graph.input(`${linear.id}.bias`, [linear.out]),
  };
}
