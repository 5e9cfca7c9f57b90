import {
  emitInputGradient,
  emitProduct,
  giveMatrixGradients,
  type Matrix,
  type MatrixLayout,
  matrixEntries,
} from "./matrix.ts";
import type { Op } from "./op.ts";

/** A linear layer at each position: what a feed-forward layer's units write back with. `id` is its state-dict prefix. */
export interface ProjectionNode {
  op: "projection";
  id: string;
  input: string;
  /** Numbers that it reads at each position. */
  hidden: number;
  out: number;
  bias: boolean;
  layout: MatrixLayout;
  /** Standard deviation of fresh weights. */
  deviation: number;
}

export const projection: Op<ProjectionNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer({ id, hidden, out }, [[channels, positions]], { arch }) {
    if (channels === hidden) return [out, positions, 1];
    throw new Error(`${arch}: '${id}' reads ${channels} channels, not ${hidden}`);
  },
  channels: "own",
  state: (node) => matrixEntries(matrixOf(node), { deviation: node.deviation }),
  multiplyAdds: ({ hidden, out }, [[, positions]]) => positions * hidden * out,
  forward(node, pass) {
    const x = pass.feature(node.input);
    const declare = (key: string, shape: number[]) => pass.parameter(key, shape);
    const tensor = emitProduct(pass.lowering.graph, x.tensor, matrixOf(node), declare);
    pass.put(node.id, { ...x, channels: node.out, tensor });
  },
  backward(node, pass) {
    const dy = pass.take(node.id);
    const x = pass.feature(node.input);
    giveMatrixGradients(pass, x.tensor, dy.tensor, matrixOf(node));
    if (!pass.wants(node.input)) return;
    pass.give(node.input, { ...x, tensor: emitInputGradient(pass.lowering.graph, dy.tensor, matrixOf(node)) });
  },
  onnx: (node, { graph, value, weight }) => emitProduct(graph, value(node.input), matrixOf(node), weight),
};

function matrixOf({ id, out, hidden, bias, layout }: ProjectionNode): Matrix {
  return { key: `${id}.weight`, out, inputs: hidden, layout, ...(bias && { bias: `${id}.bias` }) };
}
