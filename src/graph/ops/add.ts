import type { Op } from "./op.ts";

export interface AddNode {
  op: "add";
  id: string;
  inputs: [string, string];
  relu: boolean;
}

/** The sum of two features of one shape, channel by channel, optionally followed by ReLU. */
export const add: Op<AddNode> = {
  inputs: ({ inputs }) => inputs,
  infer({ id }, [a, b], { arch }) {
    if (a.join() !== b.join()) throw new Error(`${arch}: '${id}' adds ${a.join()} and ${b.join()}`);
    return a;
  },
  channels: "kept",
  forward(node, pass) {
    // A convolution may have computed it already.
    if (pass.isKnown(node.id)) return;
    const [a, b] = node.inputs.map((id) => pass.feature(id));
    pass.put(node.id, pass.lowering.add(a, b, node.relu));
  },
  backward(node, pass) {
    const taken = pass.take(node.id);
    const dy = node.relu ? pass.beforeRelu(node.id, taken) : taken;
    for (const id of node.inputs) pass.give(id, dy);
  },
  onnx: (node, file) => file.relu(file.graph.op("Add", node.inputs.map(file.value)), node.relu),
};
