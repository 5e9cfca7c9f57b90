import type { Objective } from "../../../graph/objectives/objective.ts";

/** What is taken off a logit that plays no part. */
const BARRED = 1e9;

/**
 * `r = z_t − max z_j` over the answers j other than the target's t. Graph inputs `target`, one-hot `[1, vocabulary]`, and `rivals`, 1 at
 * the other answers. The gradient is 1 at the target and −1 at the best rival; rivals that tie have −1 each.
 */
export const answerResponse: Objective = ({ graph }, { classes: vocabulary }) => {
  const [target, rivals] = ["target", "rivals"].map((name) => graph.input(name, [1, vocabulary]));
  return (logits, scale) => {
    const barred = graph.op("Mul", [graph.op("Sub", [rivals, graph.scalar(1)]), graph.scalar(BARRED)]);
    const others = graph.op("Add", [graph.op("Mul", [logits, rivals]), barred]);
    const best = graph.op("ReduceMax", [others], { axes: [1], keepdims: 1 });
    const own = graph.op("ReduceSum", [graph.op("Mul", [logits, target]), graph.integers([1])], { keepdims: 1 });
    const value = graph.op("Squeeze", [graph.op("Sub", [own, best]), graph.integers([1])]);
    const runnerUp = graph.op("Cast", [graph.op("Equal", [others, best])], { to: 1 });
    const slope = graph.op("Sub", [target, runnerUp]);
    return { value, gradient: scale === 1 ? slope : graph.op("Mul", [slope, graph.scalar(scale)]) };
  };
};
