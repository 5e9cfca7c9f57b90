import type { Op } from "./op.ts";

/** Features of one resolution joined along the channels, in the order given. */
export interface ConcatNode {
  op: "concat";
  id: string;
  inputs: string[];
}

export const concat: Op<ConcatNode> = {
  inputs: ({ inputs }) => inputs,
  infer({ id }, parts, { arch }) {
    const [, height, width] = parts[0];
    if (parts.some((part) => part[1] !== height || part[2] !== width)) {
      throw new Error(`${arch}: '${id}' joins ${parts.map((part) => part.join("×")).join(", ")}`);
    }
    return [parts.reduce((sum, [channels]) => sum + channels, 0), height, width];
  },
  channels: "joined",
  forward: (node, pass) => pass.put(node.id, pass.lowering.concat(node.inputs.map((id) => pass.feature(id)))),
  backward(node, pass) {
    const features = node.inputs.map((id) => pass.feature(id));
    const parts = pass.lowering.splitChannels(pass.take(node.id), features);
    for (const [i, id] of node.inputs.entries()) pass.give(id, parts[i]);
  },
  onnx: (node, file) => file.graph.op("Concat", node.inputs.map(file.value), { axis: 1 }),
};
