import type { Objective } from "./objective.ts";

/**
 * How far the images of a batch leave their classes for one class in common, whichever it is (docs/methods.md §10.13): the
 * mean over images is `E p_y − Σ_j (E p_j)²`, with p the softmax, y the graph input `targets` (one-hot `[n, classes]`), and E
 * the batch's mean. One image's value is `p_y − Σ_j p_j·E p_j`, and the gradient is the mean's: `p∘(v − Σ_k p_k·v_k)` with
 * `v = onehot(y) − 2·E p`.
 */
export const agreement: Objective = (lowering, { classes }) => {
  const { graph, batch } = lowering;
  const targets = graph.input("targets", [batch, classes]);
  const overClasses = (value: string, keepdims: number) =>
    graph.op("ReduceSum", [value, graph.integers([1])], { keepdims });
  return (logits, scale) => {
    const p = graph.op("Exp", [lowering.logSoftmax(logits)]);
    const sums = graph.op("ReduceSum", [p, graph.integers([0])], { keepdims: 1 });
    const common = graph.op("Mul", [sums, graph.scalar(1 / batch)]);
    const value = overClasses(graph.op("Mul", [p, graph.op("Sub", [targets, common])]), 0);
    const slopes = graph.op("Sub", [targets, graph.op("Mul", [common, graph.scalar(2)])]);
    const mean = overClasses(graph.op("Mul", [p, slopes]), 1);
    const gradient = graph.op("Mul", [p, graph.op("Sub", [slopes, mean])]);
    return { value, gradient: graph.op("Mul", [gradient, graph.scalar(scale)]) };
  };
};
