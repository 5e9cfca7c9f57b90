import type { Op } from "./op.ts";

/** Global average pooling to `[n, channels]`. */
export interface GlobalPoolNode {
  op: "globalpool";
  id: string;
  input: string;
}

export const globalpool: Op<GlobalPoolNode> = {
  inputs: ({ input }) => [input],
  infer: (_, [[channels]]) => [channels, 1, 1],
  flat: true,
  channels: "kept",
  forward: (node, pass) => pass.put(node.id, pass.lowering.globalPool(pass.feature(node.input))),
  backward(node, pass) {
    const dy = pass.takeVector(node.id);
    pass.give(node.input, pass.lowering.globalPoolGradient(dy, pass.feature(node.input)));
  },
  onnx(node, { graph, value, shape }) {
    return graph.reshape(graph.op("GlobalAveragePool", [value(node.input)]), [-1, shape(node.input)[0]]);
  },
};
