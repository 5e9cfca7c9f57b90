import type { Objective } from "../../../../graph/objectives/objective.ts";
import { STEPS } from "../reply.ts";

/** What is taken off the wanted token's logit where the best of the others is looked for. */
const BARRED = 1e9;

/**
 * `r = Σ_k s_k·(z_{k,w_k} − max_{j≠w_k} z_kj)`: how far each step's wanted token w_k is above the best other one. Graph inputs `wanted`, one-hot
 * `[1, steps, vocabulary]`, and the shares `shares` `[1, steps, 1]`. Others that tie have the gradient −s_k each.
 */
export const replyResponse: Objective = ({ graph, batch }, { classes }) => {
  const vocabulary = classes / STEPS;
  const wanted = graph.input("wanted", [1, STEPS, vocabulary]);
  const shares = graph.input("shares", [1, STEPS, 1]);
  return (logits, scale) => {
    const z = graph.reshape(logits, [batch, STEPS, vocabulary]);
    const others = graph.op("Sub", [z, graph.op("Mul", [wanted, graph.scalar(BARRED)])]);
    const best = graph.op("ReduceMax", [others], { axes: [2], keepdims: 1 });
    const own = graph.op("ReduceSum", [graph.op("Mul", [z, wanted]), graph.integers([2])], { keepdims: 1 });
    const margins = graph.op("Mul", [graph.op("Sub", [own, best]), shares]);
    const value = graph.op("ReduceSum", [margins, graph.integers([1, 2])], { keepdims: 0 });
    const runnerUp = graph.op("Cast", [graph.op("Equal", [others, best])], { to: 1 });
    const slope = graph.op("Mul", [graph.op("Sub", [wanted, runnerUp]), shares]);
    const scaled = scale === 1 ? slope : graph.op("Mul", [slope, graph.scalar(scale)]);
    return { value, gradient: graph.reshape(scaled, [batch, classes]) };
  };
};
