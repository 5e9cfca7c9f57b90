import type { Op } from "./op.ts";
import { sideAfter, windowAttributes } from "./windows.ts";

/** Max pooling; padding never wins. Known are kernel = stride without padding, and 3×3 with padding 1 at stride 1 or 2. */
export interface MaxPoolNode {
  op: "maxpool";
  id: string;
  input: string;
  kernel: number;
  stride: number;
  padding: number;
}

export const maxpool: Op<MaxPoolNode> = {
  inputs: ({ input }) => [input],
  infer: (node, [[channels, height, width]]) => [channels, sideAfter(height, node), sideAfter(width, node)],
  channels: "kept",
  forward: (node, pass) => pass.put(node.id, pass.lowering.maxPool(pass.feature(node.input), node)),
  backward(node, pass) {
    const [x, y] = [node.input, node.id].map((id) => pass.feature(id));
    pass.give(node.input, pass.lowering.maxPoolGradient(pass.take(node.id), x, y, node, pass.shareTies));
  },
  onnx: (node, file) => file.graph.op("MaxPool", [file.value(node.input)], windowAttributes(node)),
};
