import type { Objective } from "./objective.ts";

/**
 * The backdoor response `r = f_t − max_{j≠t} f_j` of a target class t (docs/methods.md §9.1): above 0 where an image goes to
 * the target. Graph input `target`, one-hot `[1, classes]`. The gradient is 1 at the target and −1 at the runner-up; classes
 * that tie for it have −1 each.
 */
export const backdoorResponse: Objective = ({ graph }, { classes }) => {
  const target = graph.input("target", [1, classes]);
  return (logits, scale) => {
    const others = graph.op("Sub", [logits, graph.op("Mul", [target, graph.scalar(1e9)])]);
    const best = graph.op("ReduceMax", [others], { axes: [1], keepdims: 1 });
    const own = graph.op("ReduceSum", [graph.op("Mul", [logits, target]), graph.integers([1])], { keepdims: 1 });
    const value = graph.op("Squeeze", [graph.op("Sub", [own, best]), graph.integers([1])]);
    const runnerUp = graph.op("Cast", [graph.op("Equal", [others, best])], { to: 1 });
    const slope = graph.op("Sub", [target, runnerUp]);
    return { value, gradient: scale === 1 ? slope : graph.op("Mul", [slope, graph.scalar(scale)]) };
  };
};

/** The same number of one image, from its logits. */
export function responseOf(logits: Float32Array, target: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < logits.length; c++) if (c !== target) best = Math.max(best, logits[c]);
  return logits[target] - best;
}
