import type { GraphBuilder } from "../onnx.ts";
import { channelsOf } from "./embedding.ts";
import type { Op } from "./op.ts";

/** The position whose continuation is the answer: where the last channel of the input is 1. Reads the sequence and the network's input. */
export interface AnswerNode {
  op: "answer";
  id: string;
  inputs: [sequence: string, input: string];
}

export const answer: Op<AnswerNode> = {
  tokens: true,
  inputs: ({ inputs }) => inputs,
  infer: (_, [[channels]]) => [channels, 1, 1],
  flat: true,
  channels: "kept",
  forward(node, pass) {
    const [x, input] = node.inputs.map((id) => pass.feature(id));
    const { graph } = pass.lowering;
    const marks = marksOf(graph, input.tensor, input.channels, x.height);
    pass.keep<string>(node.id, marks);
    pass.put(node.id, picked(graph, marks, x.tensor, x.height, x.channels));
  },
  backward(node, pass) {
    const { graph, batch } = pass.lowering;
    const x = pass.feature(node.inputs[0]);
    const dy = graph.reshape(pass.takeVector(node.id), [batch, 1, x.channels]);
    const columns = graph.transpose(pass.kept<string>(node.id), [0, 2, 1]);
    const spread = graph.op("Mul", [columns, dy]);
    pass.give(node.inputs[0], { ...x, tensor: graph.reshape(spread, [batch * x.height, x.channels]) });
  },
  onnx(node, { graph, value, shape }) {
    const [[channels, positions], [inputs]] = node.inputs.map(shape);
    const [x, input] = node.inputs.map(value);
    return picked(graph, marksOf(graph, input, inputs, positions), x, positions, channels);
  },
};

/** The answer's marks, `[n, 1, positions]`. */
function marksOf(graph: GraphBuilder, input: string, channels: number, positions: number): string {
  return graph.reshape(channelsOf(graph, input, channels - 1, channels), [-1, 1, positions]);
}

function picked(graph: GraphBuilder, marks: string, x: string, positions: number, channels: number): string {
  const product = graph.op("MatMul", [marks, graph.reshape(x, [-1, positions, channels])]);
  return graph.reshape(product, [-1, channels]);
}
