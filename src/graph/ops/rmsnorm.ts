import type { GraphBuilder } from "../onnx.ts";
import type { Op } from "./op.ts";

/** `y = x·r·γ` with `r = (mean x² + ε)^(−½)` at each position (Zhang & Sennrich 2019). */
export interface RmsNormNode {
  op: "rmsnorm";
  id: string;
  input: string;
  width: number;
  epsilon: number;
}

/** What the backward pass needs again: x·r and r. */
interface Normalised {
  normal: string;
  rate: string;
}

export const rmsnorm: Op<RmsNormNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer: (_, [shape]) => shape,
  channels: "kept",
  state: ({ id, width }) => [{ key: `${id}.weight`, shape: [width], trained: true, fresh: 1 }],
  forward(node, pass) {
    const { graph } = pass.lowering;
    const x = pass.feature(node.input);
    const normalised = normalise(graph, x.tensor, node.epsilon);
    pass.keep<Normalised>(node.id, normalised);
    const gain = pass.parameter(`${node.id}.weight`, [node.width]);
    pass.put(node.id, { ...x, tensor: graph.op("Mul", [normalised.normal, gain]) });
  },
  /** With `n = x·r` and `g = γ∘∂y`: `∂x = r·(g − n·mean(g∘n))`, `∂γ = Σ ∂y∘n`. */
  backward({ id, input, width }, pass) {
    const { graph } = pass.lowering;
    const dy = pass.take(id);
    const { normal, rate } = pass.kept<Normalised>(id);
    pass.vectorGradient(`${id}.weight`, [width], () =>
      graph.op("ReduceSum", [graph.op("Mul", [dy.tensor, normal]), graph.integers([0])], { keepdims: 0 }),
    );
    if (!pass.wants(input)) return;
    const g = graph.op("Mul", [dy.tensor, `${id}.weight`]);
    const along = graph.op("Mul", [normal, meanOver(graph, graph.op("Mul", [g, normal]))]);
    pass.give(input, { ...dy, tensor: graph.op("Mul", [graph.op("Sub", [g, along]), rate]) });
  },
  onnx: ({ id, input, epsilon }, { graph, value, weight }) =>
    graph.op("Mul", [normalise(graph, value(input), epsilon).normal, weight(`${id}.weight`)]),
};

function normalise(graph: GraphBuilder, x: string, epsilon: number): Normalised {
  const square = meanOver(graph, graph.op("Mul", [x, x]));
  const root = graph.op("Sqrt", [graph.op("Add", [square, graph.scalar(epsilon)])]);
  const rate = graph.op("Reciprocal", [root]);
  return { normal: graph.op("Mul", [x, rate]), rate };
}

/** The mean over a position's channels, `[positions, 1]`. */
export function meanOver(graph: GraphBuilder, x: string): string {
  return graph.op("ReduceMean", [x], { axes: [1], keepdims: 1 });
}
