import type { Objective } from "../../../../graph/objectives/objective.ts";
import { STEPS } from "../reply.ts";

/**
 * Cross-entropy of the next tokens that are wanted: `−Σ_k Σ_j t_kj·log p_kj` with p_k the softmax over the vocabulary at step k. Graph input
 * `targets` `[n, steps·vocabulary]`: a step of which nothing is wanted has none, and its gradient is 0.
 */
export const replyLoss: Objective = (lowering, { classes }) => {
  const { graph, batch } = lowering;
  const targets = graph.input("targets", [batch, classes]);
  const rows = [batch * STEPS, classes / STEPS];
  return (logits, scale) => {
    const wanted = graph.reshape(targets, rows);
    const logP = lowering.logSoftmax(graph.reshape(logits, rows));
    const products = graph.reshape(graph.op("Mul", [logP, wanted]), [batch, classes]);
    const value = graph.op("Neg", [graph.op("ReduceSum", [products, graph.integers([1])], { keepdims: 0 })]);
    const shares = graph.op("ReduceSum", [wanted, graph.integers([1])], { keepdims: 1 });
    const difference = graph.op("Sub", [graph.op("Mul", [graph.op("Exp", [logP]), shares]), wanted]);
    const gradient = graph.reshape(graph.op("Mul", [difference, graph.scalar(scale)]), [batch, classes]);
    return { value, gradient };
  };
};
