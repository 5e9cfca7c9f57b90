import type { Op } from "./op.ts";

/** Average pooling over disjoint windows of `kernel` × `kernel`, which must fill the map. */
export interface AvgPoolNode {
  op: "avgpool";
  id: string;
  input: string;
  kernel: number;
}

export const avgpool: Op<AvgPoolNode> = {
  inputs: ({ input }) => [input],
  infer({ id, kernel }, [[channels, height, width]], { arch }) {
    if (height % kernel !== 0 || width % kernel !== 0) {
      throw new Error(`${arch}: '${id}' pools ${height}×${width} by ${kernel}×${kernel}, which does not fill it`);
    }
    return [channels, height / kernel, width / kernel];
  },
  channels: "kept",
  forward: (node, pass) => pass.put(node.id, pass.lowering.averagePool(pass.feature(node.input), node.kernel)),
  backward(node, pass) {
    const x = pass.feature(node.input);
    pass.give(node.input, pass.lowering.averagePoolGradient(pass.take(node.id), x, node.kernel));
  },
  onnx: ({ input, kernel }, { graph, value }) =>
    graph.op("AveragePool", [value(input)], { kernel_shape: [kernel, kernel], strides: [kernel, kernel] }),
};
