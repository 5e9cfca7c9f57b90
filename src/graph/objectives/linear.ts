import type { Objective } from "./objective.ts";

/**
 * A linear function of what the network puts out: each image's outputs times the graph input `direction` `[n, classes]`, summed.
 * The gradient is the direction itself.
 */
export const linearResponse: Objective = ({ graph, batch }, { classes }) => {
  const direction = graph.input("direction", [batch, classes]);
  return (logits, scale) => {
    const value = graph.op("ReduceSum", [graph.op("Mul", [logits, direction]), graph.integers([1])], { keepdims: 0 });
    return { value, gradient: scale === 1 ? direction : graph.op("Mul", [direction, graph.scalar(scale)]) };
  };
};
