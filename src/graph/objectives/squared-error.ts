import type { Objective } from "./objective.ts";

/** Squared distance of every output to `targets` `[n, classes]`, each image counting `weights` `[n, 1]` times. */
export const squaredError: Objective = ({ graph, batch }, { classes }) => {
  const targets = graph.input("targets", [batch, classes]);
  const weights = graph.input("weights", [batch, 1]);
  return (logits, scale) => {
    const distance = graph.op("Sub", [logits, targets]);
    const weighted = graph.op("Mul", [distance, weights]);
    const squares = graph.op("Mul", [weighted, distance]);
    return {
      value: graph.op("ReduceSum", [squares, graph.integers([1])], { keepdims: 0 }),
      gradient: graph.op("Mul", [weighted, graph.scalar(2 * scale)]),
    };
  };
};
