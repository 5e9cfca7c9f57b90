import type { GraphBuilder } from "../onnx.ts";
import type { Op } from "./op.ts";

/** Learned vectors of the positions, added (GPT-2). `id` is the table's state-dict prefix; it may have more positions than are used. */
export interface PositionsNode {
  op: "positions";
  id: string;
  input: string;
  width: number;
  most: number;
}

const FRESH = 0.02;

export const positions: Op<PositionsNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer({ id, width, most }, [shape], { arch }) {
    if (shape[0] === width && shape[1] <= most) return shape;
    throw new Error(`${arch}: '${id}' has ${most} positions of ${width} numbers, not ${shape[1]} of ${shape[0]}`);
  },
  channels: "kept",
  state: ({ id, width, most }) => [
    { key: `${id}.weight`, shape: [most, width], trained: true, fresh: { deviation: FRESH } },
  ],
  forward(node, pass) {
    const x = pass.feature(node.input);
    const table = pass.parameter(`${node.id}.weight`, [node.most, node.width]);
    pass.put(node.id, { ...x, tensor: withPositions(pass.lowering.graph, x.tensor, table, x.height, node) });
  },
  backward(node, pass) {
    const dy = pass.take(node.id);
    const { graph, batch } = pass.lowering;
    const { most, width } = node;
    pass.vectorGradient(`${node.id}.weight`, [most, width], () => {
      const sequences = graph.reshape(dy.tensor, [batch, dy.height, width]);
      const sums = graph.op("ReduceSum", [sequences, graph.integers([0])], { keepdims: 0 });
      const rest = graph.vector("no positions", [most - dy.height, width], () => 0);
      return most > dy.height ? graph.op("Concat", [sums, rest], { axis: 0 }) : sums;
    });
    pass.give(node.input, dy);
  },
  onnx: (node, { graph, value, weight, shape }) =>
    withPositions(graph, value(node.input), weight(`${node.id}.weight`), shape(node.id)[1], node),
};

function withPositions(graph: GraphBuilder, x: string, table: string, count: number, { width }: PositionsNode): string {
  const [starts, ends, axes] = [[0], [count], [0]].map((values) => graph.integers(values));
  const vectors = graph.op("Slice", [table, starts, ends, axes]);
  const sum = graph.op("Add", [graph.reshape(x, [-1, count, width]), vectors]);
  return graph.reshape(sum, [-1, width]);
}
