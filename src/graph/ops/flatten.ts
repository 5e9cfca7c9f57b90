import type { Op } from "./op.ts";

/** A feature map as one position whose channels are all of its values: channel by channel, each row by row, as in PyTorch. */
export interface FlattenNode {
  op: "flatten";
  id: string;
  input: string;
}

export const flatten: Op<FlattenNode> = {
  inputs: ({ input }) => [input],
  infer: (_, [[channels, height, width]]) => [channels * height * width, 1, 1],
  channels: "spread",
  forward: (node, pass) => pass.put(node.id, pass.lowering.flatten(pass.feature(node.input))),
  backward: (node, pass) =>
    pass.give(node.input, pass.lowering.unflatten(pass.take(node.id), pass.feature(node.input))),
  onnx: ({ input }, { graph, value }) => graph.op("Flatten", [value(input)], { axis: 1 }),
};
