import type { Lowering } from "../lowering/lowering.ts";
import type { Objective, Scored } from "./objective.ts";

/** Softmax cross-entropy with the graph input `targets` `[n, classes]`, one-hot or smoothed: each image's own label. */
export const crossEntropy: Objective = (lowering, { classes }) => {
  const targets = lowering.graph.input("targets", [lowering.batch, classes]);
  return (logits, scale) => softmaxCrossEntropy(lowering, logits, targets, scale);
};

/** Softmax cross-entropy with one class for all images, the graph input `target`, one-hot `[1, classes]`. */
export const crossEntropyToTarget: Objective = (lowering, { classes }) => {
  const target = lowering.graph.input("target", [1, classes]);
  return (logits, scale) => softmaxCrossEntropy(lowering, logits, target, scale);
};

/** `−Σ_j t_j·log p_j` with p the softmax; its gradient by the logits is `p − t`, for targets that sum to 1. */
function softmaxCrossEntropy(lowering: Lowering, logits: string, targets: string, scale: number): Scored {
  const { graph } = lowering;
  const logProbabilities = lowering.logSoftmax(logits);
  const products = graph.op("Mul", [logProbabilities, targets]);
  const value = graph.op("Neg", [graph.op("ReduceSum", [products, graph.integers([1])], { keepdims: 0 })]);
  const difference = graph.op("Sub", [graph.op("Exp", [logProbabilities]), targets]);
  return { value, gradient: graph.op("Mul", [difference, graph.scalar(scale)]) };
}
