import type { Op } from "./op.ts";
import { meanOver } from "./rmsnorm.ts";

/** `y = γ·(x − mean x)/√(var x + ε) + β` at each position (Ba et al. 2016). */
export interface LayerNormNode {
  op: "layernorm";
  id: string;
  input: string;
  width: number;
  epsilon: number;
}

export const layernorm: Op<LayerNormNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer: (_, [shape]) => shape,
  channels: "kept",
  state: ({ id, width }) => [
    { key: `${id}.weight`, shape: [width], trained: true, fresh: 1 },
    { key: `${id}.bias`, shape: [width], trained: true, fresh: 0 },
  ],
  forward(node, pass) {
    const { id, width, epsilon } = node;
    const x = pass.feature(node.input);
    const operands = [x.tensor, ...["weight", "bias"].map((part) => pass.parameter(`${id}.${part}`, [width]))];
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    const [tensor, mean, rate] = pass.lowering.graph.ops("LayerNormalization", operands, 3, attributes);
    pass.keep<[mean: string, rate: string]>(id, [mean, rate]);
    pass.put(id, { ...x, tensor });
  },
  /** With `n = (x − mean)·r` and `g = γ∘∂y`: `∂x = r·(g − mean(g) − n·mean(g∘n))`, `∂γ = Σ ∂y∘n`, `∂β = Σ ∂y`. */
  backward({ id, input, width }, pass) {
    const { graph } = pass.lowering;
    const dy = pass.take(id);
    const x = pass.feature(input);
    const [mean, rate] = pass.kept<[mean: string, rate: string]>(id);
    const normal = graph.op("Mul", [graph.op("Sub", [x.tensor, mean]), rate]);
    const overPositions = (value: string) => graph.op("ReduceSum", [value, graph.integers([0])], { keepdims: 0 });
    pass.vectorGradient(`${id}.weight`, [width], () => overPositions(graph.op("Mul", [dy.tensor, normal])));
    pass.vectorGradient(`${id}.bias`, [width], () => overPositions(dy.tensor));
    if (!pass.wants(input)) return;
    const g = graph.op("Mul", [dy.tensor, `${id}.weight`]);
    const along = graph.op("Mul", [normal, meanOver(graph, graph.op("Mul", [g, normal]))]);
    const centred = graph.op("Sub", [graph.op("Sub", [g, meanOver(graph, g)]), along]);
    pass.give(input, { ...dy, tensor: graph.op("Mul", [centred, rate]) });
  },
  onnx: ({ id, input, epsilon }, { graph, value, weight }) => {
    const operands = [value(input), weight(`${id}.weight`), weight(`${id}.bias`)];
    return graph.op("LayerNormalization", operands, { axis: -1, epsilon: { float: epsilon } });
  },
};
